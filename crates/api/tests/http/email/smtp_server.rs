//! An SMTP server on this machine that records what it receives, and answers as configured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};
use tokio_util::task::TaskTracker;

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// It refuses the receiver of a mail with this text.
    Refuses(&'static str),
    /// It refuses logins, and repeats what it was sent.
    Strange,
    /// It says nothing.
    Hangs,
    /// It resets each connection.
    Resets,
    /// It accepts mail, and then never answers again.
    Lingers,
}

/// A received mail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// The raw headers and text.
    pub(crate) text: String,
    pub(crate) is_encrypted: bool,
    /// The login, as sent with `AUTH PLAIN`.
    pub(crate) login: Option<String>,
}

impl Letter {
    /// The headers, unfolded.
    pub(crate) fn headers(&self) -> Vec<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let headers = self.headers();
        let mut found = headers.iter().filter_map(|line| line.strip_prefix(&format!("{name}: ")));
        let (one, more) = (found.next(), found.next());
        assert!(more.is_none(), "{name} comes twice: {headers:?}");
        one.unwrap_or_default().to_owned()
    }
}

#[derive(Clone)]
pub(crate) struct SmtpServer {
    inner: Arc<Mutex<(Mood, Vec<Letter>)>>,
    /// Each connection, and every line that was received, whether encrypted or not.
    heard: Arc<Mutex<Vec<String>>>,
    acceptor: TlsAcceptor,
    offers_tls: bool,
    pub(crate) port: u16,
    /// Its certificate as PEM.
    pub(crate) certificate: String,
}

impl SmtpServer {
    /// A server that accepts mail, with or without `STARTTLS`.
    pub(crate) async fn start(offers_tls: bool) -> Self {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            inner: Arc::new(Mutex::new((Mood::Takes, Vec::new()))),
            heard: Arc::default(),
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            offers_tls,
            port: listener.local_addr().unwrap().port(),
            certificate: certified.cert.pem(),
        };
        let (tasks, serving) = (TaskTracker::new(), server.clone());
        tasks.clone().spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = serving.clone();
                tasks.spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    fn locked(&self) -> MutexGuard<'_, (Mood, Vec<Letter>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.locked().0 = mood;
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.locked().1.clone()
    }

    fn note(&self, line: &str) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn serve(&self, stream: TcpStream) {
        self.note("CONNECTED");
        let mood = self.locked().0;
        match mood {
            Mood::Resets => return stream.set_zero_linger().unwrap(),
            Mood::Hangs => {}
            _ => {
                let mut stream = BufReader::new(stream);
                stream.write_all(b"220 smtp.test\r\n").await.unwrap();
                if let Some(stream) = self.talk(stream, false).await
                    && let Ok(stream) = self.acceptor.accept(stream.into_inner()).await
                {
                    self.talk(BufReader::new(stream), true).await;
                }
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Talks until the client disconnects or starts TLS; then returns the connection.
    async fn talk<S>(&self, mut stream: BufReader<S>, is_encrypted: bool) -> Option<BufReader<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut letter = Letter { is_encrypted, ..Letter::default() };
        loop {
            let line = line(&mut stream).await?;
            self.note(&line);
            let mood = self.locked().0;
            let answer = match line.split([' ', ':']).next().unwrap() {
                "EHLO" if self.offers_tls && !is_encrypted => {
                    "250-smtp.test\r\n250-AUTH PLAIN\r\n250 STARTTLS".into()
                }
                "EHLO" => "250-smtp.test\r\n250 AUTH PLAIN".into(),
                "STARTTLS" => {
                    stream.write_all(b"220 go on\r\n").await.ok()?;
                    return Some(stream);
                }
                "AUTH" if mood == Mood::Strange => format!("535 5.7.8 what is {line}?"),
                "AUTH" => {
                    letter.login = line.strip_prefix("AUTH PLAIN ").map(str::to_owned);
                    "235 welcome".into()
                }
                "MAIL" => {
                    line.clone_into(&mut letter.from);
                    "250 fine".into()
                }
                "RCPT" if let Mood::Refuses(words) = mood => words.to_owned(),
                "RCPT" => {
                    letter.to.push(line);
                    "250 fine".into()
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    while let Some(line) = self::line(&mut stream).await.filter(|line| line != ".") {
                        letter.text.extend([&*line, "\r\n"]);
                    }
                    self.locked().1.push(std::mem::take(&mut letter));
                    "250 2.0.0 taken as number 1".into()
                }
                _ if mood == Mood::Lingers => std::future::pending().await,
                "QUIT" => "221 bye".into(),
                _ => "500 what?".into(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
