//! The SDK's side: step 1, and the meeting's WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{EncodingKey, Header};
use reqwest::{RequestBuilder, Upgraded};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{App, Zoom, text};

/// A WebSocket that sends and receives the meeting's frames.
pub(crate) struct Socket {
    stream: WebSocketStream<Upgraded>,
}

impl Socket {
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = request
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", generate_key())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 101);
        let upgraded = response.upgrade().await.unwrap();
        Self { stream: WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await }
    }

    pub(crate) async fn say(&mut self, evt: u32, body: Value) {
        let frame = json!({"evt": evt, "seq": 1, "body": body});
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame; `None` if the server has closed the socket.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            match self.stream.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The body of the next frame with this number; others are skipped.
    pub(crate) async fn until(&mut self, evt: u32) -> Value {
        loop {
            let frame = self.hear().await.unwrap_or_else(|| panic!("closed before {evt}"));
            if frame["evt"] == evt {
                return frame["body"].clone();
            }
        }
    }

    /// Skips the remaining frames until the server closes the socket.
    pub(crate) async fn closes(&mut self) {
        while self.hear().await.is_some() {}
    }
}

/// The parameters of a join.
#[derive(Clone)]
pub(crate) struct Joiner<'a> {
    pub(crate) app: &'a App,
    pub(crate) number: &'a str,
    pub(crate) name: &'a str,
    pub(crate) passcode: &'a str,
    pub(crate) zak: &'a str,
    pub(crate) obf: &'a str,
    pub(crate) join_token: &'a str,
    pub(crate) email: &'a str,
    pub(crate) tk: &'a str,
    pub(crate) role: u8,
}

impl<'a> Joiner<'a> {
    pub(crate) fn new(app: &'a App, number: &'a str) -> Self {
        let (name, nothing) = ("Bot", "");
        Self {
            app,
            number,
            name,
            passcode: nothing,
            zak: nothing,
            obf: nothing,
            join_token: nothing,
            email: nothing,
            tk: nothing,
            role: 0,
        }
    }

    pub(crate) fn zak(self, zak: &'a str) -> Self {
        Self { zak, ..self }
    }
}

/// A participant who has joined.
pub(crate) struct Joined {
    pub(crate) socket: Socket,
    /// Body of 4098.
    pub(crate) result: Value,
}

impl Joined {
    pub(crate) fn id(&self) -> u64 {
        self.result["userID"].as_u64().unwrap()
    }
}

/// An SDK signature, as an app's backend creates it.
pub(crate) fn signature(app: &App, claims: &Value) -> String {
    let mut all = json!({"appKey": app.id, "sdkKey": app.id, "tokenExp": claims["exp"]});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    jsonwebtoken::encode(&Header::default(), &all, &EncodingKey::from_secret(app.secret.as_bytes())).unwrap()
}

impl Zoom {
    /// Step 1 with a valid signature.
    pub(crate) async fn info(&self, joiner: &Joiner<'_>) -> Value {
        let now = self.now().await;
        let claims = json!({"mn": joiner.number, "role": joiner.role, "iat": now - 30, "exp": now + 7200});
        self.info_signed(joiner, &signature(joiner.app, &claims)).await
    }

    /// Step 1 with any signature.
    pub(crate) async fn info_signed(&self, joiner: &Joiner<'_>, signature: &str) -> Value {
        let token = if joiner.role == 1 { "zsk" } else { "ztk" };
        let form = [
            ("meetingNumber", joiner.number),
            ("userName", joiner.name),
            ("passWord", joiner.passcode),
            ("userEmail", joiner.email),
            ("tk", joiner.tk),
            ("signature", signature),
            (token, joiner.zak),
        ];
        self.post("/api/v1/wc/info", &form).await.body
    }

    /// Steps 1 and 3, up to 4098. `Err` is the code of the step that refused.
    pub(crate) async fn join(&self, joiner: &Joiner<'_>) -> Result<Joined, u64> {
        self.rejoin(joiner, &[]).await
    }

    /// Joins with more fields in 4301; must be admitted.
    pub(crate) async fn rejoin_with(&self, joiner: &Joiner<'_>, more: Value) -> Joined {
        self.come(joiner, &[], more).await.expect("the rejoin is admitted")
    }

    /// Joins with more parameters in the socket's query.
    pub(crate) async fn rejoin(&self, joiner: &Joiner<'_>, extra: &[(&str, &str)]) -> Result<Joined, u64> {
        self.come(joiner, extra, json!({})).await
    }

    async fn come(&self, joiner: &Joiner<'_>, extra: &[(&str, &str)], more: Value) -> Result<Joined, u64> {
        let info = self.info(joiner).await;
        if info["status"] != true {
            return Err(info["errorCode"].as_u64().unwrap());
        }
        let result = &info["result"];
        let (auth, mid) = (text(result, "auth"), text(result, "mid"));
        let query = [("auth", auth.as_str()), ("mid", mid.as_str())];
        let path = format!("/wc/api/{}", joiner.number);
        let mut socket = self.open(&path, &[&query, extra].concat()).await;
        assert_eq!(socket.until(0).await["status"], "READY");
        let mut credentials = json!({"sign": result["sign"], "mpwd": result["passWord"]});
        if !joiner.zak.is_empty() {
            credentials["zak"] = json!(joiner.zak);
        }
        if result["tk"].as_str().is_some_and(|tk| !tk.is_empty()) {
            credentials["tk"] = result["tk"].clone();
        }
        if !joiner.obf.is_empty() {
            credentials["obfToken"] = json!(joiner.obf);
        }
        if !joiner.join_token.is_empty() {
            credentials["localRecordToken"] = json!(joiner.join_token);
        }
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        socket.say(4301, credentials).await;
        let result = socket.until(4098).await;
        match result["res"].as_u64().unwrap() {
            0 => Ok(Joined { socket, result }),
            code => Err(code),
        }
    }
}
