//! A proxy to the database whose connections can be cut.

use std::{net::SocketAddr, path::PathBuf};

use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

/// Listens on a port and forwards everything to a socket, until it is cut.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<bool>,
    _end: DropGuard,
}

impl Proxy {
    pub(crate) async fn start(socket: PathBuf) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (cut, is_cut) = watch::channel(false);
        let (end, lines) = (CancellationToken::new(), TaskTracker::new());
        let accepting = {
            let lines = lines.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    lines.spawn(pass_on(client, socket.clone(), is_cut.clone()));
                }
            }
        };
        lines.spawn(end.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, cut, _end: end.drop_guard() })
    }

    /// Breaks every connection and refuses new ones.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Forwards connections again.
    pub(crate) fn heal(&self) {
        self.cut.send_replace(false);
    }
}

/// Forwards data until either side closes the connection, or the proxy is cut.
async fn pass_on(mut client: TcpStream, socket: PathBuf, mut cut: watch::Receiver<bool>) {
    let passing = async {
        if let Ok(mut database) = UnixStream::connect(socket).await {
            drop(tokio::io::copy_bidirectional(&mut client, &mut database).await);
        }
    };
    tokio::select! {
        biased;
        _ = cut.wait_for(|cut| *cut) => {}
        () = passing => {}
    }
}
