//! Where browsers and Zoom reach this server.

use model::ZoomOauthAppId;
use url::Url;

/// Addresses of this server, below its public one.
#[derive(Debug, Clone)]
pub struct Addresses {
    public_base: Url,
}

impl Addresses {
    /// Those below `public_base`.
    pub fn new(public_base: Url) -> Self {
        Self { public_base }
    }

    /// Where browsers and bot platforms reach this server.
    pub fn public_base(&self) -> &Url {
        &self.public_base
    }

    /// Where Zoom sends the browser back to. It must be registered with the app at Zoom, byte for byte.
    pub fn redirect_uri(&self) -> Url {
        self.at("oauth/zoom/callback")
    }

    /// Where Zoom sends the browser of somebody who installs this app from the Marketplace. To be entered there.
    pub fn install_uri(&self, app: ZoomOauthAppId) -> String {
        self.at(&format!("oauth/zoom/callback/{app}")).into()
    }

    /// An address of this server.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.public_base.clone();
        url.set_path(&format!("{}/{path}", self.public_base.path().trim_end_matches('/')));
        url
    }
}
