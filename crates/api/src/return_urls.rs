//! Where browsers may be sent on after an account was connected.
//!
//! Only origins that the operator has configured are allowed: an open redirect would let every maker of connect links
//! misuse this server's name.

use url::{Origin, Url};

/// Origins that browsers may be sent on to. This server's own is one of them.
#[derive(Debug, Clone)]
pub struct ReturnUrls(Vec<Origin>);

impl ReturnUrls {
    /// Those of the operator, and this server's own.
    pub fn new(public_base: &Url, named: &[Url]) -> Self {
        Self(named.iter().chain([public_base]).map(Url::origin).collect())
    }

    /// Where a browser may be sent on; an error says why not.
    pub(crate) fn check(&self, text: &str) -> Result<Url, String> {
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else { return Err("It must be an address with https.".to_owned()) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("It must hold no user and no password.".to_owned());
        }
        if !self.0.contains(&url.origin()) {
            return Err(format!(
                "Browsers are not sent on to {}: the operator of this server names the origins, in api.return_origins.",
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
    fn only_named_origins_are_gone_on_to() {
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
