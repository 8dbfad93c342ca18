//! Where browsers may be redirected after an account is connected.
//!
//! Only origins that the operator has configured are allowed: an open redirect would let anyone who makes connect links
//! misuse this server's name.

use url::{Origin, Url};

/// Allowed origins of redirects. This server's own is one of them.
#[derive(Debug, Clone)]
pub struct ReturnUrls(Vec<Origin>);

impl ReturnUrls {
    /// The operator's origins, and this server's own.
    pub fn new(public_base: &Url, named: &[Url]) -> Self {
        Self(named.iter().chain([public_base]).map(Url::origin).collect())
    }

    /// The URL to redirect to; an error says why it is not allowed.
    pub(crate) fn check(&self, text: &str) -> Result<Url, String> {
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else { return Err("It must be a URL with https.".to_owned()) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("It must not contain a user or a password.".to_owned());
        }
        if !self.0.contains(&url.origin()) {
            return Err(format!(
                "Browsers are not redirected to {}: the operator of this server lists the allowed origins in api.return_origins.",
                url.origin().ascii_serialization()
            ));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::ReturnUrls;

    #[test]
    fn only_configured_origins_are_redirected_to() {
        let url = |text| Url::parse(text).unwrap();
        let urls = ReturnUrls::new(&url("https://latchkey.example/base"), &[url("https://app.example")]);
        for good in ["https://app.example/done?x=1#y", "https://app.example:443", "https://latchkey.example/"]
        {
            assert!(urls.check(good).is_ok(), "{good}");
        }
        for bad in [
            "https://app.example.evil.test/",
            "https://evil.test/https://app.example",
            "https://app.example@evil.test/",
            "https://user:pass@app.example/",
            "http://app.example/",
            "https://app.example:8443/",
            "//app.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
        ] {
            assert!(urls.check(bad).is_err(), "{bad}");
        }
    }
}
