//! Failures of the transport, distinguished by whether Zoom may have processed the request.

use std::time::Duration;

use model::Environment;
use tokio::{io::AsyncReadExt, net::TcpListener};
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};
use zoom::{ClientSetupError, Endpoints, Sent, ZoomClient, ZoomError};

use crate::support::{PLANTED, app, client_at, json, planted, zoom_says};

const IN_DOUBT: ZoomError = ZoomError::Unavailable { sent: Sent::Maybe };

/// The error of a refresh with `answer`.
async fn refreshed(answer: ResponseTemplate) -> ZoomError {
    let (_server, client) = zoom_says(answer).await;
    let error = client.refresh(&app(), &planted()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PLANTED), "{error:?}");
    error
}

#[tokio::test]
async fn a_limit_has_its_wait_and_its_kind() {
    // Dates are relative to when Zoom wrote the answer, whatever our clock says.
    let zoom_429 = || {
        json(429, serde_json::json!({"code": 429, "message": PLANTED}))
            .insert_header("date", "Sat, 31 Jan 2026 12:00:00 GMT")
    };
    for (answer, retry_after, daily) in [
        (zoom_429(), None, false),
        (zoom_429().insert_header("retry-after", "3"), Some(3), false),
        (zoom_429().insert_header("retry-after", "Sat, 31 Jan 2026 12:00:30 GMT"), Some(30), false),
        (
            zoom_429()
                .insert_header("retry-after", "2026-02-01T00:00:00Z")
                .insert_header("x-ratelimit-type", "Daily-limit"),
            Some(43_200),
            true,
        ),
        (
            zoom_429().insert_header("retry-after", "tomorrow").insert_header("x-ratelimit-type", "QPS"),
            None,
            false,
        ),
        (ResponseTemplate::new(429).set_body_string("<html>"), None, false),
    ] {
        let retry_after = retry_after.map(Duration::from_secs);
        assert_eq!(refreshed(answer).await, ZoomError::RateLimited { retry_after, daily });
    }
}

#[tokio::test]
async fn an_unreadable_answer_leaves_a_refresh_in_doubt() {
    for answer in [
        ResponseTemplate::new(200).set_body_string("<html>planted-secret</html>"),
        ResponseTemplate::new(200).set_body_string(r#"{"access_token": "planted-secret", "refr"#),
        ResponseTemplate::new(200).set_body_string(r#"{"refresh_token": "planted-secret"}"#),
        ResponseTemplate::new(200).set_body_string(r#"{"access_token": ""}"#),
        ResponseTemplate::new(200).set_body_string(r#"{"access_token": 5}"#),
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; 2 << 20]),
        ResponseTemplate::new(404).set_body_string("<html>"),
    ] {
        let error = refreshed(answer).await;
        assert!(matches!(error, ZoomError::Malformed { .. }) && error.in_doubt(), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_on_zooms_side_leaves_a_refresh_in_doubt() {
    for status in [500, 502, 503, 504] {
        let error = refreshed(ResponseTemplate::new(status).set_body_string("<html>")).await;
        assert_eq!((error.in_doubt(), error), (true, IN_DOUBT));
    }
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    let (_server, client) = zoom_says(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let client = client.with_timeout(Duration::from_millis(50));
    assert_eq!(client.refresh(&app(), &planted()).await.unwrap_err(), IN_DOUBT);
}

#[tokio::test]
async fn a_connection_cut_after_sending_is_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_at(&format!("http://{}", listener.local_addr().unwrap()));
    let (app, secret) = (app(), planted());
    let cut = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_exact(&mut [0; 64]).await.unwrap();
    };
    let (answer, ()) = tokio::join!(client.refresh(&app, &secret), cut);
    assert_eq!(answer.unwrap_err(), IN_DOUBT);
}

#[tokio::test]
async fn a_connection_never_made_spends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client_at(&address).refresh(&app(), &planted()).await.unwrap_err();
    assert_eq!((error.in_doubt(), error), (false, ZoomError::Unavailable { sent: Sent::No }));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    Mock::given(path("/oauth/token"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/elsewhere"))
        .mount(&server)
        .await;
    Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let error = client_at(&server.uri()).refresh(&app(), &planted()).await.unwrap_err();
    assert_eq!(error, ZoomError::Unexpected { status: 307, code: None });
}

#[test]
fn a_wrong_root_file_is_named() {
    let build = |file: &str| {
        let base = Url::parse("https://zoom.us").unwrap();
        let endpoints = Endpoints { oauth_base: base.clone(), api_base: base, ca_file: Some(file.into()) };
        ZoomClient::new(endpoints, Environment::system()).unwrap_err()
    };
    assert!(matches!(build("/nowhere.pem"), ClientSetupError::CaFile { .. }));
    let not_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(build(not_pem).to_string(), format!("{not_pem} contains no PEM certificate"));
}
