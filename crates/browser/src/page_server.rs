//! Serves the bot page and the SDK's files on a loopback port.

use std::{net::SocketAddr, path::Path};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

const PAGE: &str = include_str!("../../../web/bot/page.html");
const SCRIPT: &str = include_str!("../../../web/bot/page.js");
const MEETING: &str = include_str!("../../../web/bot/meeting.js");
const CAMERA: &str = include_str!("../../../web/bot/camera.js");
const EVIDENCE: &str = include_str!("../../../web/bot/evidence.js");
const OUTPUTS: &str = include_str!("../../../web/bot/outputs.js");
const STYLE: &str = include_str!("../../../web/bot/page.css");

/// Scripts come only from this origin. The SDK compiles code at run time, starts workers from blobs and sets style
/// attributes. Connections are not restricted, because Zoom chooses its hosts.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; \
     connect-src 'self' https: wss: data: blob:; img-src 'self' https: data: blob:; media-src 'self' https: data: blob:; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: &[(&str, &str)] = &[
    // Cross-origin isolation: the SDK's decoders need `SharedArrayBuffer`.
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    // Contexts share no cache, and each would cache the SDK's files in memory: 16 MB for each bot.
    ("cache-control", "no-store"),
];

/// Files of the SDK that a bot does not need: it plays and sends no sound, and its picture has no virtual background. The
/// SDK works without them, and each bot uses some 50 MB less. Active speakers and captions come from Zoom's server.
const NOT_SERVED: &[&str] = &["/sdk/lib/av/audio", "/sdk/lib/image/"];

/// Opens a port. Returns the page's URL, and the future that serves it.
pub(crate) async fn serve(sdk_dir: &Path) -> std::io::Result<(String, impl Future<Output = ()> + use<>)> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = router(sdk_dir);
    let serving = async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(error = %model::chain(&error), "the server of the bot page has failed");
        }
    };
    Ok((url, serving))
}

fn router(sdk_dir: &Path) -> Router {
    let mut router = Router::new()
        .route("/", get(async || file("text/html; charset=utf-8", PAGE)))
        .route("/page.js", get(async || file("text/javascript; charset=utf-8", SCRIPT)))
        .route("/meeting.js", get(async || file("text/javascript; charset=utf-8", MEETING)))
        .route("/camera.js", get(async || file("text/javascript; charset=utf-8", CAMERA)))
        .route("/evidence.js", get(async || file("text/javascript; charset=utf-8", EVIDENCE)))
        .route("/outputs.js", get(async || file("text/javascript; charset=utf-8", OUTPUTS)))
        .route("/page.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .nest_service("/sdk", ServeDir::new(sdk_dir))
        .layer(middleware::from_fn(leave_out));
    for &(name, value) in HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    router
}

async fn leave_out(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if NOT_SERVED.iter().any(|left_out| path.starts_with(left_out)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type)], text)
}
