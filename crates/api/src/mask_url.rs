//! Other services' URLs, with the parts masked that may be secret.

use url::Url;

/// Replaces what is not shown.
const MASK: &str = "********";

/// A URL without user, query and fragment, and without path segments that are not plain words: some services, such as Slack,
/// have their secret there.
pub(crate) fn masked(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return MASK.to_owned() };
    let Some(host) = url.host_str() else { return url.as_str().split('?').next().unwrap_or(MASK).to_owned() };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let shown = |part: &str| if is_plain(part) { part.to_owned() } else { MASK.to_owned() };
    let parts: Vec<_> = url.path().split('/').map(shown).collect();
    let query = if url.query().is_some() { format!("?{MASK}") } else { String::new() };
    format!("{}://{host}{port}{}{query}", url.scheme(), parts.join("/"))
}

/// Lower case, or a version: no secret looks like that.
fn is_plain(part: &str) -> bool {
    let word =
        part.len() <= 24 && part.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(&byte));
    let version = part
        .strip_prefix('v')
        .is_some_and(|rest| (1..=3).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit()));
    word || version
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn parts_that_may_be_secret_are_not_shown() {
        for (address, shown) in [
            ("https://a.test/b?token=planted#x", "https://a.test/b?********"),
            ("https://a.test/b/", "https://a.test/b/"),
            ("https://a.test", "https://a.test/"),
            ("http://a.test:8080/api/v2/web-hooks", "http://a.test:8080/api/v2/web-hooks"),
            (
                "https://hooks.slack.com/services/T0PLANTED/B0PLANTED/plantedPLANTED",
                "https://hooks.slack.com/services/********/********/********",
            ),
            ("https://a.test/hook/3f9c1a7e", "https://a.test/hook/********"),
            ("wss://a.test/live?x=y", "wss://a.test/live?********"),
            ("mailto:ops@a.test", "mailto:ops@a.test"),
            ("planted", "********"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
