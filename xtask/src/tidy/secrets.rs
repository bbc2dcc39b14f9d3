//! Types that hide what they hold are not compared byte by byte.
//!
//! A derived `PartialEq` stops at the first difference, and so tells by its time how much of a
//! guess was right. A type is held to be secret where its own `Debug` writes `[redacted]`.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::Report;
use crate::workspace::root;

/// Compares in constant time by itself, so that who wraps it may derive.
const CONSTANT_TIME: &str = "SecretBytes";

/// Types that derive it with a reason.
const REASONED: [(&str, &str); 1] = [(
    "KeyFingerprint",
    "compared with fingerprints of keys, none of which a caller chooses",
)];

pub fn check(files: &[PathBuf], report: &mut Report) -> Result<()> {
    for path in files {
        let is_ours = path.starts_with("crates") && path.extension().is_some_and(|e| e == "rs");
        if is_ours {
            let text = fs::read_to_string(root().join(path))?;
            for name in derived(&text) {
                report.finding(format!(
                    "{}: {name} is secret and derives PartialEq: compare in constant time",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

/// The secret types of a file that derive their comparison.
fn derived(text: &str) -> Vec<&str> {
    let declared = text.match_indices("struct ").filter_map(|(at, word)| {
        let rest = &text[at + word.len()..];
        let name = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_')?];
        let body = &rest[..rest.find([';', '{'])?];
        let body = if body.contains('(') {
            body
        } else {
            &rest[..rest.find('}')?]
        };
        Some((name, attributes(&text[..at]), body))
    });
    declared
        .filter(|(_, attributes, _)| attributes.contains("PartialEq"))
        .filter(|(_, _, body)| !body.contains(CONSTANT_TIME))
        .filter(|(name, _, _)| is_redacted(text, name))
        .filter(|(name, _, _)| REASONED.iter().all(|(reasoned, _)| reasoned != name))
        .map(|(name, _, _)| name)
        .collect()
}

/// What stands between a declaration and the item before it.
fn attributes(before: &str) -> &str {
    before.rsplit("\n\n").next().unwrap_or(before)
}

/// Whether the type's own `Debug` hides it.
fn is_redacted(text: &str, name: &str) -> bool {
    let start = format!("Debug for {name} ");
    let written = text.split_once(&start).map_or("", |(_, rest)| rest);
    let end = written.find("\n}").unwrap_or(written.len());
    written[..end].contains("[redacted]")
}

#[cfg(test)]
mod tests {
    use super::derived;

    fn source(derive: &str, body: &str, debug: &str) -> String {
        format!(
            "//! A room.\n\n/// A key.\n#[derive({derive})]\npub struct Key({body});\n\n\
             impl fmt::Debug for Key {{\n    f.write_str(\"{debug}\")\n}}\n"
        )
    }

    #[test]
    fn only_secrets_are_held_to_it() {
        let secret = source("Clone, PartialEq, Eq", "String", "Key([redacted])");
        assert_eq!(derived(&secret), ["Key"]);
        for good in [
            source("Clone", "String", "Key([redacted])"),
            source("PartialEq", "SecretBytes<32>", "Key([redacted])"),
            source("PartialEq", "String", "a key"),
            secret.replace("Key", "KeyFingerprint"),
        ] {
            assert!(derived(&good).is_empty(), "{good}");
        }
    }
}
