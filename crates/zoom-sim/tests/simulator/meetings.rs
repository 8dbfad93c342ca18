//! Meetings over REST, and the events about them.

use serde_json::{Value, json};

use crate::support::scene::Scene;
use crate::support::{Connected, Zoom, text};

const SCOPES: [&str; 7] = [
    "user:read:user",
    "user:read:token",
    "meeting:read:list_meetings",
    "meeting:read:meeting",
    "meeting:write:meeting",
    "meeting:update:meeting",
    "meeting:delete:meeting",
];

/// A user with an app that has all scopes for meetings.
async fn scene() -> (Scene, Connected) {
    let scene = Scene::with(json!({"scopes": SCOPES})).await;
    let tokens = scene.zoom.connect(&scene.app).await;
    (scene, tokens)
}

fn numbers(list: &Value) -> Vec<u64> {
    list["meetings"].as_array().unwrap().iter().map(|meeting| meeting["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_meeting_is_created_read_changed_and_deleted() {
    let (scene, tokens) = scene().await;
    let (zoom, access) = (&scene.zoom, &tokens.access);
    let wanted = json!({
        "topic": "Planning", "start_time": "2031-01-31T12:00:00", "timezone": "Europe/Vienna", "duration": 30,
        "password": "p", "settings": {"waiting_room": true, "meeting_authentication": true},
    });
    let made = zoom.call("POST", "/v2/users/me/meetings", access, wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((&made.body["host_id"], &made.body["type"]), (&json!(scene.user), &json!(2)));
    assert_eq!(made.body["start_time"], "2031-01-31T11:00:00Z", "local time of its timezone");
    let id = made.body["id"].as_u64().unwrap();
    let path = format!("/v2/meetings/{id}");
    assert_eq!(made.body["join_url"], format!("https://zoom.us/j/{id}?pwd=p"));
    let read = zoom.get(&path, access).await.body;
    assert_eq!((&read["topic"], &read["status"]), (&json!("Planning"), &json!("waiting")));
    assert_eq!(read["settings"]["meeting_authentication"], true);
    assert!(text(&read, "start_url").starts_with(&format!("https://zoom.us/s/{id}?zak=ey")));
    assert_eq!(zoom.stat("zak_mints").await, 0, "an enclosed ZAK does not count");
    let inside = zoom.control("GET", &format!("/meetings/{id}"), Value::Null).await;
    assert_eq!((&inside["sign_in"], &inside["waiting_room"]), (&json!("any"), &json!(true)), "one world");

    let changed = zoom.call("PATCH", &path, access, json!({"topic": "Better planning"})).await;
    assert_eq!((changed.status, changed.body), (204, json!("")));
    assert_eq!(zoom.get(&path, access).await.body["topic"], "Better planning");
    assert_eq!(zoom.call("DELETE", &path, access, Value::Null).await.status, 204);
    let gone = zoom.get(&path, access).await;
    let message = format!("Meeting does not exist: {id}.");
    assert_eq!((gone.status, gone.body), (404, json!({"code": 3001, "message": message})));

    let created = scene.heard("meeting.created", 1).await.remove(0);
    assert!(created.genuine);
    assert_eq!(created.json["payload"]["operator_id"], scene.user.as_str());
    assert_eq!(created.json["payload"]["object"]["id"], id);
    assert_eq!(created.json["payload"]["object"]["host_id"], scene.user.as_str());
    let updated = scene.heard("meeting.updated", 1).await.remove(0).json["payload"].clone();
    assert_eq!(updated["object"], json!({"id": id, "topic": "Better planning"}));
    assert_eq!(updated["old_object"], json!({"id": id, "topic": "Planning"}));
    let deleted = scene.heard("meeting.deleted", 1).await.remove(0);
    assert_eq!(deleted.json["payload"]["object"]["id"], id);
}

#[tokio::test]
async fn lists_are_scheduled_live_or_upcoming() {
    let (scene, tokens) = scene().await;
    let zoom = &scene.zoom;
    let now = zoom.now().await;
    let at = |seconds: i64| jiff::Timestamp::from_second(now + seconds).unwrap().to_string();
    let meeting = async |more: Value| {
        let mut body = json!({"host_id": scene.user});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        zoom.meeting(body).await.parse::<u64>().unwrap()
    };
    let past = meeting(json!({"start_time": at(-7200)})).await;
    let running = meeting(json!({"start_time": at(-7200), "started": true})).await;
    let instant = meeting(json!({"type": 1})).await;
    let next = meeting(json!({"start_time": at(7200)})).await;
    let recurring = meeting(json!({"type": 3})).await;
    let elsewhere = zoom.user("grace").await;
    zoom.meeting(json!({"host_id": elsewhere})).await;
    let sorted = |mut numbers: Vec<u64>| {
        numbers.sort_unstable();
        numbers
    };
    let list = async |kind: &str| {
        numbers(&zoom.get(&format!("/v2/users/me/meetings{kind}"), &tokens.access).await.body)
    };
    assert_eq!(list("").await, sorted(vec![past, running, next, recurring]));
    assert_eq!(list("?type=scheduled").await, list("").await);
    assert_eq!(list("?type=live").await, [running]);
    assert_eq!(list("?type=upcoming").await, sorted(vec![running, next, recurring]));
    assert!(!list("?type=upcoming").await.contains(&instant));
    let mine = format!("/v2/users/{}/meetings/", scene.user);
    assert_eq!(numbers(&zoom.get(&mine, &tokens.access).await.body), list("").await);
    assert_eq!(zoom.get("/v2/users/grace@example.test/meetings", &tokens.access).await.status, 404);
}

#[tokio::test]
async fn pages_neither_repeat_nor_hide_remaining_rows() {
    let (scene, tokens) = scene().await;
    let zoom = &scene.zoom;
    for number in ["811111111", "822222222", "833333333", "844444444", "855555555"] {
        zoom.meeting(json!({"host_id": scene.user, "meeting_number": number})).await;
    }
    let page = async |query: &str| {
        zoom.get(&format!("/v2/users/me/meetings?page_size=2{query}"), &tokens.access).await.body
    };
    let first = page("").await;
    assert_eq!((numbers(&first), &first["total_records"]), (vec![811_111_111, 822_222_222], &json!(5)));
    zoom.control("DELETE", "/meetings/822222222", Value::Null).await;
    let second = page(&format!("&next_page_token={}", text(&first, "next_page_token"))).await;
    assert_eq!(numbers(&second), [833_333_333, 844_444_444]);
    let token = text(&second, "next_page_token");
    let last = page(&format!("&next_page_token={token}")).await;
    assert_eq!((numbers(&last), &last["next_page_token"]), (vec![855_555_555], &json!("")));

    let other = page(&format!("&type=live&next_page_token={token}")).await;
    assert_eq!(other["code"], 300, "a token is valid only for its list");
    zoom.advance(900).await;
    assert_eq!(page(&format!("&next_page_token={token}")).await["code"], 300, "a token expires");
    for bad in ["page_size=0", "page_size=301", "page_size=x", "type=maybe", "next_page_token=forged"] {
        let answer = zoom.get(&format!("/v2/users/me/meetings?{bad}"), &tokens.access).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(300)), "{bad}");
    }
}

#[tokio::test]
async fn a_missing_scope_is_named_for_each_call() {
    let scene = Scene::with(json!({"scopes": ["user:read:user"]})).await;
    let access = scene.zoom.connect(&scene.app).await.access;
    let number = scene.zoom.meeting(json!({"host_id": scene.user})).await;
    let one = format!("/v2/meetings/{number}");
    for (method, path, scope) in [
        ("GET", "/v2/users/me/meetings", "meeting:read:list_meetings"),
        ("POST", "/v2/users/me/meetings", "meeting:write:meeting"),
        ("GET", &one, "meeting:read:meeting"),
        ("PATCH", &one, "meeting:update:meeting"),
        ("DELETE", &one, "meeting:delete:meeting"),
        ("GET", "/v2/users", "user:read:list_users:admin"),
    ] {
        let answer = scene.zoom.call(method, path, &access, Value::Null).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(4711)), "{method} {path}");
        assert!(answer.body["message"].as_str().unwrap().contains(scope), "{answer:?}");
    }
    let classic = scene.zoom.account_token(&["meeting:read:admin", "user:read:admin"]).await;
    assert_eq!(scene.zoom.get(&one, &classic).await.status, 200);
    assert_eq!(scene.zoom.get("/v2/users", &classic).await.status, 200);
}

#[tokio::test]
async fn invalid_meetings_are_refused() {
    let (scene, tokens) = scene().await;
    let call = async |method: &str, path: &str, body: Value| {
        scene.zoom.call(method, path, &tokens.access, body).await
    };
    for body in [
        json!([]),
        json!({"type": 7}),
        json!({"duration": "long"}),
        json!({"start_time": "tomorrow"}),
        json!({"timezone": "Moon/Copernicus"}),
        json!({"topic": "x".repeat(201)}),
        json!({"password": "longerthanten"}),
        json!({"settings": {"alternative_hosts": "nobody@example.test"}}),
    ] {
        let answer = call("POST", "/v2/users/me/meetings", body.clone()).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(300)), "{body}");
    }
    for id in ["12", "nonsense", "123456789012"] {
        assert_eq!(call("GET", &format!("/v2/meetings/{id}"), Value::Null).await.status, 400, "{id}");
    }
    let stranger = scene.zoom.user("stranger").await;
    let theirs = scene.zoom.meeting(json!({"host_id": stranger})).await;
    for number in [&*theirs, "89999999999"] {
        let answer = call("GET", &format!("/v2/meetings/{number}"), Value::Null).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!(3001)));
    }
    let running = scene.zoom.meeting(json!({"host_id": scene.user, "started": true})).await;
    let answer = call("DELETE", &format!("/v2/meetings/{running}"), Value::Null).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!(3002)));
}

#[tokio::test]
async fn an_account_lists_its_users_and_their_meetings() {
    let zoom = Zoom::start().await;
    let mut ids = [zoom.user("ada").await, zoom.user("grace").await, zoom.user("linus").await];
    let outsider = json!({"email": "o@partner.test", "account_id": "partner"});
    let outsider = text(&zoom.control("POST", "/users", outsider).await, "id");
    let access = zoom
        .account_token(&[
            "user:read:list_users:admin",
            "meeting:read:list_meetings:admin",
            "meeting:write:meeting:admin",
            "meeting:update:meeting:admin",
        ])
        .await;
    let first = zoom.get("/v2/users?page_size=2", &access).await.body;
    let next = text(&first, "next_page_token");
    let second = zoom.get(&format!("/v2/users?page_size=2&next_page_token={next}"), &access).await.body;
    let users = [&first, &second].map(|page| page["users"].as_array().unwrap().clone()).concat();
    ids.sort_unstable();
    assert_eq!(users.iter().map(|user| text(user, "id")).collect::<Vec<_>>(), ids);
    assert!(users.iter().all(|user| user["pmi"].is_u64()));
    assert_eq!((&second["total_records"], &second["next_page_token"]), (&json!(3), &json!("")));
    zoom.control("PATCH", &format!("/users/{}", ids[0]), json!({"active": false})).await;
    let inactive = zoom.get("/v2/users?status=inactive", &access).await.body;
    assert_eq!(inactive["users"][0]["id"], ids[0].as_str());
    assert_eq!(zoom.get("/v2/users?status=odd", &access).await.body["code"], 300);

    let path = format!("/v2/users/{}/meetings", ids[1]);
    let made = zoom.call("POST", &path, &access, Value::Null).await.body;
    assert_eq!(made["host_id"], ids[1].as_str());
    assert_eq!(numbers(&zoom.get(&path, &access).await.body), [made["id"].as_u64().unwrap()]);
    let moved = json!({"schedule_for": ids[2]});
    let one = format!("/v2/meetings/{}", made["id"]);
    assert_eq!(zoom.call("PATCH", &one, &access, moved).await.status, 204);
    assert_eq!(numbers(&zoom.get(&path, &access).await.body), [0_u64; 0]);
    assert_eq!(zoom.get(&format!("/v2/users/{outsider}/meetings"), &access).await.status, 404);
}

#[tokio::test]
async fn a_meetings_lifecycle_is_reported() {
    let (scene, tokens) = scene().await;
    let zoom = &scene.zoom;
    let number = zoom.meeting(json!({"host_id": scene.user})).await;
    let uuid =
        async || zoom.control("GET", &format!("/meetings/{number}"), Value::Null).await["uuid"].clone();
    let before = uuid().await;
    zoom.control("POST", &format!("/meetings/{number}/start"), Value::Null).await;
    let people = format!("/meetings/{number}/participants");
    let ada = json!({"name": "Ada", "user_id": scene.user});
    let ada = zoom.control("POST", &people, ada).await["participants"][0]["id"].clone();
    zoom.control("POST", &people, json!({"name": "Guest"})).await;
    zoom.control("POST", &format!("{people}/{ada}/remove"), Value::Null).await;
    zoom.control("POST", &format!("/meetings/{number}/end"), Value::Null).await;

    let object = |heard: &crate::support::receiver::Heard| heard.json["payload"]["object"].clone();
    let started = object(&scene.heard("meeting.started", 1).await[0]);
    assert_eq!(started["id"], number.as_str(), "text here");
    assert_ne!(started["uuid"], before, "each start is another instance");
    assert_eq!(started["host_id"], scene.user.as_str());
    let joined = scene.heard("meeting.participant_joined", 2).await;
    let joined = joined.iter().map(object).collect::<Vec<_>>();
    let person = |name: &str| {
        let found = joined.iter().find(|object| object["participant"]["user_name"] == name);
        found.unwrap()["participant"].clone()
    };
    assert_eq!(person("Ada")["user_id"], ada.to_string());
    assert_eq!(person("Ada")["id"], scene.user.as_str());
    assert_eq!(person("Ada")["email"], "ada@example.test");
    assert_eq!((&person("Guest")["id"], &person("Guest")["email"]), (&json!(""), &json!("")));
    let left = scene.heard("meeting.participant_left", 2).await;
    assert!(left.iter().map(object).all(|object| object["participant"]["leave_time"].is_string()));
    let ended = object(&scene.heard("meeting.ended", 1).await[0]);
    assert_eq!((&ended["uuid"], &ended["start_time"]), (&started["uuid"], &started["start_time"]));
    assert!(ended["end_time"].is_string());
    assert_eq!(uuid().await, ended["uuid"]);
    drop(tokens);
}

#[tokio::test]
async fn a_waiting_participant_has_not_joined() {
    let (scene, _) = scene().await;
    let zoom = &scene.zoom;
    let body = json!({"host_id": scene.user, "started": true});
    let number = zoom.meeting(body).await;
    let people = format!("/meetings/{number}/participants");
    let guest =
        zoom.control("POST", &people, json!({"name": "Guest"})).await["participants"][0]["id"].clone();
    scene.heard("meeting.participant_joined", 1).await;
    zoom.control("POST", &format!("{people}/{guest}/hold"), Value::Null).await;
    scene.heard("meeting.participant_left", 1).await;
    zoom.control("POST", &format!("{people}/{guest}/admit"), Value::Null).await;
    assert_eq!(scene.heard("meeting.participant_joined", 2).await.len(), 2);
    assert_eq!(scene.heard("meeting.started", 1).await.len(), 1);
}

#[tokio::test]
async fn a_changed_personal_id_is_reported() {
    let (scene, _) = scene().await;
    let before =
        scene.zoom.control("GET", &format!("/users/{}", scene.user), Value::Null).await["pmi"].clone();
    scene.change_user(json!({"pmi": 4_111_111_111_u64})).await;
    let told = scene.heard("user.updated", 1).await.remove(0).json["payload"].clone();
    assert_eq!(told["object"], json!({"id": scene.user, "pmi": 4_111_111_111_u64}));
    assert_eq!(told["old_object"], json!({"id": scene.user, "pmi": before}));
}

#[tokio::test]
async fn a_meeting_that_is_deleted_while_it_runs_ends_first() {
    let (scene, _) = scene().await;
    let number = scene.zoom.meeting(json!({"host_id": scene.user, "started": true})).await;
    scene.zoom.control("DELETE", &format!("/meetings/{number}"), Value::Null).await;
    scene.heard("meeting.ended", 1).await;
    scene.heard("meeting.deleted", 1).await;
    let gone = scene.zoom.ask("DELETE", &format!("/meetings/{number}"), Value::Null).await;
    assert_eq!(gone.status, 404);
}
