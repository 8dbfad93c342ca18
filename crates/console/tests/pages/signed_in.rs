//! A person's browser at the HTTP level: a cookie, pages, and forms with their token.

use axum::{
    body::Body,
    http::{
        Request,
        header::{CONTENT_TYPE, COOKIE},
    },
};

use crate::{
    PLAN,
    test_app::{Answer, TestApp},
};

/// A browser that is signed in.
pub(crate) struct SignedIn {
    pub(crate) app: TestApp,
    pub(crate) cookie: String,
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A form from a browser that is not signed in.
pub(crate) async fn first_form(app: &TestApp, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method("POST").uri(path);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    app.send(request.body(Body::from(encoded(pairs))).unwrap()).await
}

/// The cookie that an answer sets, as the browser sends it back.
pub(crate) fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

impl SignedIn {
    pub(crate) async fn new() -> Self {
        let app = TestApp::build(&PLAN).await;
        let key = app.api_key.clone();
        Self::with_key(app, &key).await
    }

    /// Signs in with this key.
    pub(crate) async fn with_key(app: TestApp, key: &str) -> Self {
        let answer = first_form(&app, "/sign-in", &[("key", key)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = cookie_of(&answer);
        Self { app, cookie }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).header(COOKIE, &self.cookie);
        self.app.send(request.body(Body::empty()).unwrap()).await
    }

    /// A page: 200, HTML.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        answer.text
    }

    /// The token that forms of this session must contain.
    pub(crate) async fn csrf(&self) -> String {
        let page = self.page("/settings").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        self.post_with(&csrf, path, pairs).await
    }

    /// Sends a form with this token.
    pub(crate) async fn post_with(&self, csrf: &str, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let body = encoded(&[&[("csrf", csrf)], pairs].concat());
        let request = Request::builder().method("POST").uri(path).header(COOKIE, &self.cookie);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.app.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a form that succeeds; returns where it redirects.
    pub(crate) async fn done(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let answer = self.post(path, pairs).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
        let to = answer.header("location").to_owned();
        to.strip_prefix("/base").unwrap_or_else(|| panic!("{to} is not below the base")).to_owned()
    }
}
