//! A user's picture: initials on a colour derived from the user (ours; Zoom serves photos).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::ids::UserId;
use crate::state::SharedSim;
use crate::world::user::User;

/// `GET /p/{user id}.svg`.
pub(crate) async fn handler(State(sim): State<SharedSim>, Path(file): Path<String>) -> Response {
    let id = UserId(file.trim_end_matches(".svg").to_owned());
    match sim.world().user(&id) {
        Some(user) => ([(header::CONTENT_TYPE, "image/svg+xml")], picture(user)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn picture(user: &User) -> String {
    let hue = user.id.0.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 360);
    let initials: String = user
        .display_name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()))
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256"><rect width="256" height="256" fill="hsl({hue} 55% 42%)"/><text x="128" y="134" fill="#fff" font-family="sans-serif" font-size="110" text-anchor="middle" dominant-baseline="middle">{initials}</text></svg>"##
    )
}
