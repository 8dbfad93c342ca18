//! `api.zoom.us/v2`: users, their tokens and their meetings.

mod bearer;
mod call;
mod error;
mod join_tokens;
pub(crate) mod limits;
mod meeting_form;
mod meetings;
mod new_user;
mod page;
mod scopes;
mod tokens;
mod users;

use axum::Router;
use axum::routing::get;

use crate::sim::SharedSim;

pub(crate) fn routes() -> Router<SharedSim> {
    Router::new()
        .route("/v2/users", get(users::list).post(new_user::create))
        .route("/v2/users/{who}", get(users::read))
        .route("/v2/users/{who}/token", get(tokens::by_type))
        .route("/v2/users/me/zak", get(tokens::five_minute_zak))
        .route("/v2/users/{who}/meetings", get(meetings::list).post(meetings::create))
        .route("/v2/meetings/{id}", get(meetings::read).patch(meetings::change).delete(meetings::delete))
        .route("/v2/meetings/{id}/jointoken/{privilege}", get(join_tokens::handler))
}
