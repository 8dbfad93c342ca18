//! `/_sim`: the control API, with which a test, a demo or a person controls the simulated Zoom.
//!
//! Plain HTTP and JSON on a port of its own, so that it cannot be mistaken for Zoom's API.

mod apps;
mod breakout;
mod clock;
mod consents;
mod error;
mod faults;
mod meetings;
mod participants;
mod registrants;
mod scripts;
mod stats;
mod switches;
mod talk;
mod users;
mod webhooks;

use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::state::SharedSim;

pub(crate) fn routes(sim: &SharedSim) -> Router {
    let simulator = Router::new()
        .route("/", get(index))
        .route("/apps", get(apps::list).post(apps::create))
        .route("/apps/{client_id}", get(apps::show).patch(apps::change))
        .route(
            "/apps/{client_id}/webhook",
            get(webhooks::show).put(webhooks::register).delete(webhooks::unregister),
        )
        .route("/apps/{client_id}/webhook/validate", post(webhooks::validate))
        .route("/apps/{client_id}/webhook/send", post(webhooks::send))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/{id}/repeat", post(webhooks::repeat))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::show).patch(users::change).delete(users::delete))
        .route("/users/{id}/apps/{client_id}", delete(users::remove_app))
        .route("/users/{id}/sign-out-everywhere", post(users::sign_out_everywhere))
        .route("/consents", post(consents::create))
        .route("/signed-in", get(users::signed_in).put(users::sign_in))
        .route("/meetings", get(meetings::list).post(meetings::create))
        .route("/meetings/{number}", get(meetings::show).patch(meetings::change).delete(meetings::delete))
        .route("/meetings/{number}/start", post(meetings::start))
        .route("/meetings/{number}/end", post(meetings::end))
        .route("/meetings/{number}/drop-sockets", post(meetings::drop_sockets))
        .route("/meetings/{number}/cut-line", post(meetings::cut_line).delete(meetings::heal_line))
        .route("/meetings/{number}/chat", get(talk::chat).post(talk::say))
        .route("/meetings/{number}/captions", post(talk::caption))
        .route("/meetings/{number}/active-speakers", put(talk::speak))
        .route("/meetings/{number}/recording", put(talk::record))
        .route("/meetings/{number}/breakout-rooms", put(breakout::open).delete(breakout::close))
        .route("/meetings/{number}/participants/{id}/move", post(breakout::move_participant))
        .route("/meetings/{number}/registrants", get(registrants::list).post(registrants::add))
        .route("/meetings/{number}/participants", post(participants::seat))
        .route("/meetings/{number}/participants/{id}", patch(participants::change))
        .route("/meetings/{number}/participants/{id}/leave", post(participants::leave))
        .route("/meetings/{number}/participants/{id}/admit", post(participants::admit))
        .route("/meetings/{number}/participants/{id}/hold", post(participants::hold))
        .route("/meetings/{number}/participants/{id}/remove", post(participants::remove))
        .route("/scripts", get(scripts::list).post(scripts::play))
        .route("/clock", get(clock::show).post(clock::advance))
        .route("/faults", get(faults::list).post(faults::arm).delete(faults::clear))
        .route("/faults/held", get(faults::held).delete(faults::let_go))
        .route("/switches", get(switches::show).patch(switches::change))
        .route("/stats", get(stats::stats))
        .route("/join-requests", get(stats::join_requests))
        .route("/issued", get(stats::issued))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(sim.clone());
    Router::new().nest("/_sim", simulator).route("/_sim/", get(index)).fallback(error::no_such_route)
}

/// `GET /_sim/`: the routes, for a person with curl.
async fn index() -> Json<Value> {
    Json(json!({
        "about": "control API of the Zoom simulator; README.md of the crate has an example of each",
        "routes": [
            "GET POST        /_sim/apps",
            "GET PATCH       /_sim/apps/{client_id}",
            "GET PUT DELETE  /_sim/apps/{client_id}/webhook",
            "POST            /_sim/apps/{client_id}/webhook/validate",
            "POST            /_sim/apps/{client_id}/webhook/send",
            "GET             /_sim/webhooks",
            "POST            /_sim/webhooks/{id}/repeat",
            "GET POST        /_sim/users",
            "GET PATCH DELETE /_sim/users/{id}",
            "DELETE          /_sim/users/{id}/apps/{client_id}",
            "POST            /_sim/users/{id}/sign-out-everywhere",
            "POST            /_sim/consents",
            "GET PUT         /_sim/signed-in",
            "GET POST        /_sim/meetings",
            "GET PATCH DELETE /_sim/meetings/{number}",
            "POST            /_sim/meetings/{number}/start",
            "POST            /_sim/meetings/{number}/end",
            "POST            /_sim/meetings/{number}/drop-sockets",
            "POST DELETE     /_sim/meetings/{number}/cut-line",
            "GET POST        /_sim/meetings/{number}/chat",
            "POST            /_sim/meetings/{number}/captions",
            "PUT             /_sim/meetings/{number}/active-speakers",
            "PUT             /_sim/meetings/{number}/recording",
            "PUT DELETE      /_sim/meetings/{number}/breakout-rooms",
            "GET POST        /_sim/meetings/{number}/registrants",
            "POST            /_sim/meetings/{number}/participants",
            "PATCH           /_sim/meetings/{number}/participants/{id}",
            "POST            /_sim/meetings/{number}/participants/{id}/leave",
            "POST            /_sim/meetings/{number}/participants/{id}/move",
            "POST            /_sim/meetings/{number}/participants/{id}/admit",
            "POST            /_sim/meetings/{number}/participants/{id}/hold",
            "POST            /_sim/meetings/{number}/participants/{id}/remove",
            "GET POST        /_sim/scripts",
            "GET POST        /_sim/clock",
            "GET POST DELETE /_sim/faults",
            "GET DELETE      /_sim/faults/held",
            "GET PATCH       /_sim/switches",
            "GET             /_sim/stats",
            "GET             /_sim/join-requests",
            "GET             /_sim/issued",
        ],
    }))
}
