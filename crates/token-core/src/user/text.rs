//! The rules that names share: which characters they may have, and when two are the same.

use icu_casemap::CaseMapper;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// What is invisible and yet belongs into words: the joiners of Persian and the scripts of India
/// (Unicode UAX #31 §2.3), and the selectors between text and emoji. Two names that differ in these
/// alone are one name.
const TOLERATED: [char; 4] = ['\u{200c}', '\u{200d}', '\u{fe0e}', '\u{fe0f}'];

/// Looks like a space and is none, by any property.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether a character has no place in a name: controls, what nothing is drawn for, unassigned and
/// private code points, line separators.
pub(crate) fn is_forbidden(c: char) -> bool {
    if TOLERATED.contains(&c) {
        return false;
    }
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    is_ignorable
        || c == BRAILLE_BLANK
        || matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// The form in which a name is shown: NFC.
pub(super) fn display_form(text: &str) -> String {
    text.nfc().collect()
}

/// The form in which names are compared: NFKC and full case folding, repeated until it is stable
/// (Unicode §3.13, D147), without what is tolerated but invisible. Two names with one key are one
/// name.
pub(super) fn comparison_key(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !TOLERATED.contains(c)).collect();
    let once: String = fold(&visible);
    fold(&once)
}

/// The form in which addresses are compared: like names, and the domain as the DNS has it
/// (UTS #46), so that every spelling of one domain is one. What is no domain stays as it is.
pub(super) fn address_key(text: &str) -> String {
    let key = comparison_key(text);
    let Some((local, domain)) = key.rsplit_once('@') else {
        return key;
    };
    match idna::domain_to_ascii(domain) {
        Ok(ascii) => format!("{local}@{ascii}"),
        Err(_) => key,
    }
}

fn fold(text: &str) -> String {
    let compatible: String = text.nfkc().collect();
    CaseMapper::new().fold_string(&compatible).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// S94: case, width, ligature, accent form and joiner variants are one name.
    #[test]
    fn variants_share_a_key() {
        for (a, b) in [
            ("Alice", "aLICE"),
            ("ａｌｉｃｅ", "alice"),
            ("ﬁona", "fiona"),
            ("e\u{301}va", "\u{e9}va"),
            ("STRASSE", "straße"),
            ("ab\u{200d}c", "abc"),
            ("a\u{fe0f}bc", "abc"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ] {
            assert_eq!(comparison_key(a), comparison_key(b), "{a} {b}");
        }
        assert_ne!(comparison_key("alice"), comparison_key("alicé"));
    }

    /// S94: one domain has one spelling.
    #[test]
    fn domains_are_compared_as_the_dns_has_them() {
        for (a, b) in [
            ("ada@EXAMPLE.com", "ada@example.com"),
            ("ada@example\u{3002}com", "ada@example.com"),
            ("ada@exämple.com", "ada@xn--exmple-cua.com"),
            ("ada@faß.de", "ada@FASS.de"),
        ] {
            assert_eq!(address_key(a), address_key(b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,40}") {
            let key = comparison_key(&text);
            prop_assert_eq!(comparison_key(&key), key);
        }
    }
}
