//! How much of the answer to an event is read.

use std::sync::Arc;

use model::{Environment, ManualClock, SeededEntropy, Timestamp};
use outbound::{CallbackClient, Message, NetworkGuard};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};
use tokio_util::task::TaskTracker;

/// The maximum number of bytes in the buffers of both ends.
const ON_THE_WAY: usize = 4 * 1024 * 1024;

/// The clock does not advance, so only the size limit can end the reading.
#[tokio::test]
async fn an_endless_answer_is_read_up_to_the_limit_and_its_connection_is_closed() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = TaskTracker::new().spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let read = connection.read(&mut [0; 4096]).await.unwrap();
        assert_ne!(read, 0, "the request has begun");
        connection.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
        let mut sent = 0;
        while connection.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 1024;
        }
        sent
    });
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
    let env = Environment { clock, entropy: Arc::new(SeededEntropy::new(1)) };
    let client = CallbackClient::new(NetworkGuard::new(vec!["127.0.0.0/8".parse().unwrap()]), env).unwrap();
    let message = Message { id: "msg_1", body: "{}", headers: &[], svix: false };
    let answer = client.post(&url, &[], message).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 4096));
    let sent = server.await.unwrap();
    assert!((64 * 1024..64 * 1024 + ON_THE_WAY).contains(&sent), "{sent} bytes were accepted");
}
