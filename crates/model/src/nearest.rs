//! The nearest known name to an unknown field, key or word.

/// Longer names are not compared.
const MAX_BYTES: usize = 64;

/// The known name nearest to `name`, if it is similar enough to be meant: a typing error, another spelling
/// (`zakUrl`, `zak-url`), or a part of it.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_BYTES {
        return None;
    }
    let meant = plain(name);
    let distance = |known: &str| {
        let (spelt, known) = (known, plain(known));
        let is_a_part = known.contains(&meant) || meant.contains(&known) || words_are_among(name, spelt);
        if meant.len() >= 3 && is_a_part {
            usize::from(known != meant)
        } else {
            strsim::damerau_levenshtein(&meant, &known)
        }
    };
    let (distance, nearest) =
        known.iter().map(|known| (distance(known), *known)).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 || distance * 3 <= meant.len().min(nearest.len())).then_some(nearest)
}

fn words_are_among(name: &str, known: &str) -> bool {
    name.split('_').all(|word| known.split('_').any(|known| known.eq_ignore_ascii_case(word)))
}

fn plain(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typing_error_is_recognised_and_another_word_is_not() {
        let known = ["zak_url", "obf_token_url", "join_token_url", "credential", "user_email", "pool"];
        for (name, meant) in [
            ("zak_ulr", Some("zak_url")),
            ("zakUrl", Some("zak_url")),
            ("zak-url", Some("zak_url")),
            ("ZAK_URL", Some("zak_url")),
            ("zak", Some("zak_url")),
            ("obf_url", Some("obf_token_url")),
            ("join_tokn_url", Some("join_token_url")),
            ("credentials", Some("credential")),
            ("credential_id", Some("credential")),
            ("crednetial", Some("credential")),
            ("pol", Some("pool")),
            ("planted", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        assert_eq!(nearest(&"zak_url".repeat(100), &known), None);
        assert_eq!(nearest("zak_url", &[]), None);
    }
}
