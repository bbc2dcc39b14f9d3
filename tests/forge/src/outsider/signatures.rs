//! Signatures at the edges of their algorithms.

use crate::token::{decode, encode};
use crate::{Algorithm, Cases, Why, der};

/// The order of P-256 (SEC 2 §2.4.2), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of the group of Ed25519 (RFC 8032 §5.1), big-endian.
const ED25519_ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c,
    0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

pub(super) fn edges(token: &str, algorithm: Algorithm, cases: &mut Cases) {
    cases.covering("S15 CVE-2022-21449");
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let signature = decode(signature);
    let length = signature.len();
    let mut refuse = |name: &str, bytes: Vec<u8>| {
        let token = format!("{input}.{}", encode(bytes));
        cases.refuse(format!("signature/{name}"), token, Why::Signature);
    };
    refuse("empty", Vec::new());
    refuse("one byte", vec![1]);
    refuse("zeros", vec![0; length]);
    refuse("ones", vec![0xff; length]);
    refuse("first byte missing", signature[1..].to_vec());
    refuse("last byte missing", signature[..length - 1].to_vec());
    refuse("a zero before", [&[0], &*signature].concat());
    refuse("a zero behind", [&*signature, &[0]].concat());
    refuse("twice", [&*signature, &*signature].concat());
    refuse("reversed", signature.iter().rev().copied().collect());
    let (first, second) = signature.split_at(length / 2);
    match algorithm {
        Algorithm::Es256 => {
            let (zero, one) = (vec![0; 32], [vec![0; 31], vec![1]].concat());
            let order = P256_ORDER.to_vec();
            refuse("DER", der::ecdsa(&signature));
            refuse("DER of zeros", der::ecdsa(&[0; 64]));
            refuse("r = 0", [&zero, second].concat());
            refuse("s = 0", [first, &zero].concat());
            refuse("r = s = 1", [&*one, &*one].concat());
            refuse("r = 1, s = 0", [&*one, &*zero].concat());
            refuse("r = s = order", [&*order, &*order].concat());
            refuse("r = order", [&order, second].concat());
            refuse("s = order", [first, &order].concat());
            refuse("exchanged", [second, first].concat());
            // ECDSA itself has two signatures for one key and message, and RFC 7518 §3.4 asks for
            // neither. Nothing may take the text of a token for its name: that is what `jti` is.
            let negated = [first, &subtract(&P256_ORDER, second)].concat();
            cases.accept(
                "signature/order - s",
                format!("{input}.{}", encode(negated)),
            );
        }
        Algorithm::EdDsa => {
            refuse("s = 0", [first, &[0; 32]].concat());
            refuse("s + order", [first, &plus_order(second)].concat());
            refuse("exchanged", [second, first].concat());
            let identity = [vec![1], vec![0; 63]].concat();
            refuse("the neutral element", identity);
        }
        Algorithm::Rs256 => {
            let mut one = vec![0; length];
            one[length - 1] = 1;
            refuse("one as a number", one);
            refuse("half of it", first.to_vec());
        }
        Algorithm::Hs256 => {
            refuse("half of it", first.to_vec());
            refuse("in hexadecimal", hex(&signature));
        }
    }
}

/// `a - b` for big-endian numbers of the same length with `a > b`.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut out: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let difference = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(difference < 0);
            difference.rem_euclid(256).to_le_bytes()[0]
        })
        .collect();
    out.reverse();
    out
}

/// The little-endian scalar of an Ed25519 signature, made larger than RFC 8032 §5.1.7 allows.
fn plus_order(scalar: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    scalar
        .iter()
        .zip(ED25519_ORDER.iter().rev())
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(*b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect()
}
