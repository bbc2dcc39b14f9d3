//! Token Status List (draft-ietf-oauth-status-list): whether tokens still count, as one bit for each
//! session in a list that anybody can fetch and keep for a while.
//!
//! A list names nobody: who does not know a token cannot tell whose bit is set, since places are
//! drawn at random.

use std::io::{self, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::Serialize;

use crate::encoding;
use crate::key::AccessKey;
use crate::time::Timestamp;

/// The `typ` header of a list, and its media type without `application/`.
pub const TYP: &str = "statuslist+jwt";

/// How many places a list has.
pub const PLACES: u32 = 1 << 17;

/// How long a list may be kept before it is fetched anew: the `ttl` claim. Whoever keeps to it sees
/// a logout within this time.
pub const TTL: Duration = Duration::from_secs(30);

/// How long after its `iat` a list says that it counts. More than the `ttl`, for clocks that
/// differ; not much more, so that an old list cannot be passed off as the present one.
const LIFETIME: Duration = Duration::from_mins(2);

/// Where a session's bit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPlace {
    /// The number of the list.
    pub list: u32,
    /// Which bit of it: less than [`PLACES`].
    pub index: u32,
}

/// The `status` claim of a token whose bit is in a list (§6.1 of the draft).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusClaim {
    status_list: Reference,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reference {
    idx: u32,
    uri: String,
}

impl StatusClaim {
    /// The claim of an issuer's token.
    pub fn new(issuer: &str, place: StatusPlace) -> Self {
        Self {
            status_list: Reference {
                idx: place.index,
                uri: uri(issuer, place.list),
            },
        }
    }
}

/// Where a list is: also its name, the `sub` claim.
pub fn uri(issuer: &str, list: u32) -> String {
    format!("{issuer}/oauth2/status/{list}")
}

/// A list: a bit for each place, 1 where the session has ended.
#[derive(Debug, Clone)]
pub struct StatusList(Vec<u8>);

/// A list that is signed.
#[derive(Debug, Clone)]
pub struct SignedStatusList {
    /// The JWT. It holds no secret.
    pub jwt: String,
    /// Its `iat`.
    pub issued_at: Timestamp,
}

/// In the order of §5.1 of the draft.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    iat: i64,
    exp: i64,
    ttl: u64,
    status_list: Encoded,
}

#[derive(Serialize)]
struct Encoded {
    bits: u8,
    lst: String,
}

impl StatusList {
    /// The list in which the sessions at these places have ended. A place beyond the list is none.
    pub fn new(ended: impl IntoIterator<Item = u32>) -> Self {
        let mut bytes = vec![0; PLACES as usize / 8];
        for index in ended {
            if let Some(byte) = bytes.get_mut(index as usize / 8) {
                // From the least significant bit on (§4.1 of the draft).
                *byte |= 1_u8 << (index % 8);
            }
        }
        Self(bytes)
    }

    /// Signs it as it was at `now`, under the number `list`.
    pub fn sign(
        &self,
        key: &AccessKey,
        issuer: &str,
        list: u32,
        now: Timestamp,
    ) -> SignedStatusList {
        let issued_at = now.floor_to_second();
        let claims = Claims {
            iss: issuer,
            sub: uri(issuer, list),
            iat: issued_at.unix_seconds(),
            exp: issued_at.plus(LIFETIME).unix_seconds(),
            ttl: TTL.as_secs(),
            status_list: Encoded {
                bits: 1,
                lst: encoding::base64url(self.compressed()),
            },
        };
        SignedStatusList {
            jwt: key.sign(TYP, &claims),
            issued_at,
        }
    }

    #[expect(clippy::expect_used, reason = "writing to memory does not fail")]
    fn compressed(&self) -> Vec<u8> {
        let compress = || -> io::Result<Vec<u8>> {
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
            zlib.write_all(&self.0)?;
            zlib.finish()
        };
        compress().expect("memory can be written to")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn decompressed(list: &StatusList) -> Vec<u8> {
        let mut bytes = Vec::new();
        let compressed = list.compressed();
        ZlibDecoder::new(&*compressed)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    /// The first example of the draft (§4.1): sixteen tokens, one bit each.
    #[test]
    fn bits_lie_as_in_the_draft() {
        let list = StatusList::new([0, 3, 4, 5, 7, 8, 9, 13, 15]);
        let bytes = decompressed(&list);
        assert_eq!(&bytes[..2], [0xb9, 0xa3]);
        assert_eq!(bytes.len(), 16_384);
        assert!(bytes[2..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_last_place_is_in_and_the_next_is_not() {
        let bytes = decompressed(&StatusList::new([PLACES - 1, PLACES, u32::MAX]));
        assert_eq!(bytes.last(), Some(&0x80));
        assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 1);
    }

    #[test]
    fn the_claim_is_as_the_draft_has_it() {
        let place = StatusPlace { list: 7, index: 42 };
        let claim = StatusClaim::new("https://a.example", place);
        assert_eq!(
            serde_json::to_value(claim).unwrap(),
            serde_json::json!({"status_list": {
                "idx": 42, "uri": "https://a.example/oauth2/status/7",
            }})
        );
    }
}
