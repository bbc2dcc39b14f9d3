//! The rules that names share: which characters they may have, and when two are the same.

use icu_casemap::CaseMapper;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use unicode_normalization::UnicodeNormalization;

/// Joiners that Persian and the scripts of India need inside words (Unicode UAX #31 §2.3).
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// Whether a character has no place in a name: controls, invisible formatting, unassigned and
/// private code points, line separators.
pub(super) fn is_forbidden(c: char) -> bool {
    if JOINERS.contains(&c) {
        return false;
    }
    matches!(
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
/// (Unicode §3.13, D147), without joiners. Two names with one key are one name.
pub(super) fn comparison_key(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !JOINERS.contains(c)).collect();
    let once: String = fold(&visible);
    fold(&once)
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
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ] {
            assert_eq!(comparison_key(a), comparison_key(b), "{a} {b}");
        }
        assert_ne!(comparison_key("alice"), comparison_key("alicé"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,40}") {
            let key = comparison_key(&text);
            prop_assert_eq!(comparison_key(&key), key);
        }
    }
}
