//! The control API, mainly its error answers, and starting the simulator.

use serde_json::{Value, json};
use zoom_sim::{Simulator, SimulatorConfig};

use crate::support::{Zoom, client_of, text};

#[tokio::test]
async fn invalid_requests_get_400_with_a_reason() {
    let zoom = Zoom::start().await;
    let host = zoom.user("host").await;
    let meeting = format!("/meetings/{}", zoom.meeting(json!({"host_id": host})).await);
    let cases = [
        ("POST", "/apps", json!([])),
        ("POST", "/apps", json!({"kind": "wonderful"})),
        ("POST", "/apps", json!({"colour": "red"})),
        ("POST", "/apps", json!({"client_secret": ""})),
        ("POST", "/users", json!({})),
        ("POST", "/users", json!({"email": "nobody"})),
        ("POST", "/users", json!({"email": "HOST@example.test"})),
        ("POST", "/meetings", json!({})),
        ("POST", "/meetings", json!({"host_id": host, "sign_in": "maybe"})),
        ("POST", "/meetings", json!({"host_id": host, "colour": "red"})),
        ("POST", "/meetings", json!({"host_id": host, "meeting_number": "12"})),
        ("PATCH", &meeting, json!({"capacity": -1})),
        ("POST", "/clock", json!({})),
        ("POST", "/clock", json!({"advance_seconds": i64::MAX})),
        ("POST", "/faults", json!({"where": "refresh"})),
        ("POST", "/faults", json!({"where": "moon", "kind": "html"})),
        ("POST", "/faults", json!({"where": "zak", "kind": "html", "times": 0})),
        ("PATCH", "/switches", json!({"rule_order": ["luck"]})),
        ("PUT", "/signed-in", json!({"user": 1})),
    ];
    for (method, path, body) in cases {
        let answer = zoom.ask(method, path, body.clone()).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}");
        assert!(answer.body["error"].as_str().is_some_and(|error| !error.is_empty()));
    }
    let answer = zoom.ask("POST", "/users", Value::String("x".to_owned())).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn unknown_objects_get_404() {
    let zoom = Zoom::start().await;
    let host = zoom.user("host").await;
    let meeting = format!("/meetings/{}", zoom.meeting(json!({"host_id": host})).await);
    let cases = [
        ("GET", "/apps/none".to_owned(), Value::Null),
        ("PATCH", "/users/none".to_owned(), json!({})),
        ("POST", "/users/none/sign-out-everywhere".to_owned(), Value::Null),
        ("PUT", "/signed-in".to_owned(), json!({"user_id": "none"})),
        ("POST", "/meetings".to_owned(), json!({"host_id": "none"})),
        ("POST", "/meetings/81234567890/end".to_owned(), Value::Null),
        ("POST", format!("{meeting}/participants/1/admit"), Value::Null),
        ("GET", "/nowhere".to_owned(), Value::Null),
    ];
    for (method, path, body) in cases {
        let answer = zoom.ask(method, &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert!(answer.body["error"].is_string());
    }
    assert_eq!(zoom.ask("DELETE", "/users", Value::Null).await.status, 405);
}

#[tokio::test]
async fn the_index_lists_the_routes() {
    let zoom = Zoom::start().await;
    for path in ["", "/"] {
        let index = zoom.control("GET", path, Value::Null).await;
        assert!(index["routes"].as_array().unwrap().len() > 15);
    }
}

#[tokio::test]
async fn given_ids_are_used_and_missing_ones_generated() {
    let zoom = Zoom::start().await;
    let app = zoom.control("POST", "/apps", json!({"client_id": "mine", "client_secret": "s"})).await;
    assert_eq!((&app["client_id"], &app["client_secret"]), (&json!("mine"), &json!("s")));
    assert_eq!(zoom.ask("POST", "/apps", json!({"client_id": "mine"})).await.status, 400);
    let made_up = zoom.control("POST", "/apps", Value::Null).await;
    assert_eq!(text(&made_up, "client_id").len(), 22);
    let rename = zoom.ask("PATCH", "/apps/mine", json!({"client_id": "yours"})).await;
    assert_eq!(rename.status, 400);

    let host = zoom.user("host").await;
    let meeting = json!({"host_id": host, "meeting_number": "812345678", "passcode": "a b"});
    let meeting = zoom.control("POST", "/meetings", meeting).await;
    assert_eq!(meeting["join_url"], "https://zoom.us/j/812345678?pwd=a+b");
}

#[tokio::test]
async fn the_first_user_is_signed_in_by_default() {
    let zoom = Zoom::start().await;
    let signed_in = async || zoom.control("GET", "/signed-in", Value::Null).await["user_id"].clone();
    assert_eq!(signed_in().await, Value::Null);
    let (first, second) = (zoom.user("first").await, zoom.user("second").await);
    assert_eq!(signed_in().await, first.as_str());
    zoom.control("PUT", "/signed-in", json!({"user_id": second})).await;
    assert_eq!(signed_in().await, second.as_str());
    zoom.control("PUT", "/signed-in", json!({"user_id": null})).await;
    assert_eq!(signed_in().await, first.as_str());
}

#[tokio::test]
async fn many_users_can_have_consented() {
    let zoom = Zoom::start().await;
    let app = zoom.app(json!({})).await;
    let given = zoom.control("POST", "/consents", json!({"client_id": app.id, "count": 3})).await;
    assert_eq!(given.as_array().unwrap().len(), 3);
    for consented in given.as_array().unwrap() {
        let me = zoom.get("/v2/users/me", consented["access_token"].as_str().unwrap()).await;
        assert_eq!(me.body["id"], consented["user_id"]);
        let next = zoom.refresh(&app, consented["refresh_token"].as_str().unwrap()).await;
        assert_eq!(next.status, 200);
    }
    let refused = zoom.ask("POST", "/consents", json!({"client_id": "nobody", "count": 1})).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids() {
    let (one, two) = (Zoom::start().await, Zoom::start().await);
    assert_eq!(one.user("ada").await, two.user("ada").await);
}

#[tokio::test]
async fn it_serves_zooms_own_host_names() {
    let directory = tempfile::tempdir().unwrap();
    let directory_path = directory.path().to_owned();
    let config = SimulatorConfig { zoom_port: 0, control_port: 0, directory: directory_path, seed: None };
    let simulator = Simulator::start_as_zoom(config).await.unwrap();
    let ready = simulator.ready().clone();
    let port = ready.zoom_address.rsplit_once(':').unwrap().1;
    assert_eq!(ready.api_base, format!("https://api.zoom.us:{port}"));
    for name in ["zoom.us", "www.zoom.us", "api.zoom.us", "us06web.zoom.us"] {
        let client =
            client_of(&ready.ca_file, |client| client.resolve(name, ready.zoom_address.parse().unwrap()));
        let answer = client.get(format!("https://{name}:{port}/v2/users/me")).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{name}");
    }
    let client = client_of(&ready.ca_file, |client| {
        client.resolve("api.zoom.us", ready.zoom_address.parse().unwrap())
    });
    let app = json!({"kind": "server_to_server", "client_id": "i", "client_secret": "s", "account_id": "a"});
    client.post(format!("{}/apps", ready.control)).body(app.to_string()).send().await.unwrap();
    let form = [("grant_type", "account_credentials"), ("account_id", "a")];
    let request = client.post(format!("https://api.zoom.us:{port}/oauth/token")).basic_auth("i", Some("s"));
    let token: Value =
        serde_json::from_str(&request.form(&form).send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(token["api_url"], ready.api_base.as_str());
    simulator.stop().await;
}

#[tokio::test]
async fn a_failed_start_says_what_to_do() {
    let zoom = Zoom::start().await;
    let address = zoom.simulator.ready().zoom_address.clone();
    let zoom_port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let config =
        SimulatorConfig { zoom_port, control_port: 0, directory: directory.path().to_owned(), seed: None };
    let taken = Simulator::start(config.clone()).await.err().unwrap().to_string();
    assert!(taken.contains(&address) && taken.contains("--zoom-port"), "{taken}");

    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let config = SimulatorConfig { zoom_port: 0, directory: file.clone(), ..config };
    let unwritable = Simulator::start(config).await.err().unwrap().to_string();
    assert!(unwritable.contains(file.to_str().unwrap()) && unwritable.contains("writable"), "{unwritable}");
    assert!(!unwritable.contains('\n') && !taken.contains('\n'));
}
