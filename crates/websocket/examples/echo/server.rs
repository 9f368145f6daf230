//! The echo server itself: the codec as a program uses it, with one inflater and one deflater for all
//! connections of the thread.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tautline_websocket::{
    Decoder, Deflate, Deflater, Event, Inflater, Input, Limits, Role, frame, handshake,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task;
use tokio::time::timeout;

const HEAD_BYTES_MAX: usize = 8 * 1024;
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
const READ_BYTES_MAX: usize = 64 * 1024;
/// From here on answers are written before more input is decoded.
const WRITE_BYTES: usize = 64 * 1024;
/// How long the peer may take to end its side after a close.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

/// Accepts connections and echoes what each sends, for ever. Runs in a `LocalSet`.
pub(crate) async fn serve(listener: TcpListener, limits: Limits) -> anyhow::Result<()> {
    let codec = Rc::new(RefCell::new(Codec {
        inflater: Inflater::default(),
        deflater: Deflater::with_threshold(0),
    }));
    loop {
        let (stream, _) = listener.accept().await?;
        let codec = Rc::clone(&codec);
        // How a connection ends is for the peer to judge.
        task::spawn_local(async move { connection(stream, limits, &codec).await.ok() });
    }
}

async fn connection(
    mut stream: TcpStream,
    limits: Limits,
    codec: &RefCell<Codec>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; READ_BYTES_MAX];
    let opening = timeout(HANDSHAKE_TIME_MAX, open(&mut stream, &mut buffer));
    let Opened {
        deflate,
        head_bytes,
        mut end,
    } = opening.await??;
    let mut echo = Echo {
        decoder: Decoder::new(Role::Server, limits, deflate),
        deflate,
        answers: Vec::new(),
        is_over: false,
    };

    let mut input = Input::new(buffer.get_mut(head_bytes..end).unwrap_or_default());
    loop {
        while !input.is_empty() {
            codec.borrow_mut().answer(&mut echo, &mut input);
            stream.write_all(&echo.answers).await?;
        }
        if echo.is_over {
            break;
        }
        echo.answers = Vec::new();
        end = stream.read(&mut buffer).await?;
        if end == 0 {
            break;
        }
        input = Input::new(buffer.get_mut(..end).unwrap_or_default());
    }
    end_gently(stream, buffer).await
}

/// Ends our side, and reads until the peer has ended its own: closing a socket with unread input makes the
/// kernel send a reset, which can overtake the close frame.
async fn end_gently(mut stream: TcpStream, mut buffer: Vec<u8>) -> io::Result<()> {
    stream.shutdown().await?;
    let drained = timeout(DRAIN_TIME_MAX, async {
        while stream.read(&mut buffer).await? > 0 {}
        Ok(())
    });
    drained.await?
}

struct Echo {
    decoder: Decoder,
    deflate: Option<Deflate>,
    answers: Vec<u8>,
    is_over: bool,
}

struct Codec {
    inflater: Inflater,
    deflater: Deflater,
}

impl Codec {
    /// Decodes `input` and gathers answers, until either is enough.
    fn answer(&mut self, echo: &mut Echo, input: &mut Input<'_>) {
        echo.answers.clear();
        while echo.answers.len() < WRITE_BYTES {
            let event = match echo.decoder.next(input, &mut self.inflater) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(violation) => {
                    let close = frame::close(violation.close_code(), violation.reason());
                    echo.answers.extend_from_slice(&close);
                    echo.is_over = true;
                    continue;
                }
            };
            let answer = match (event, echo.deflate) {
                (Event::Text(text), None) => frame::text(text),
                (Event::Text(text), Some(deflate)) => self.deflater.text(text, deflate),
                (Event::Binary(bytes), None) => frame::binary(bytes),
                (Event::Binary(bytes), Some(deflate)) => self.deflater.binary(bytes, deflate),
                (Event::Ping(payload), _) => frame::pong(payload),
                (Event::Pong(_), _) => continue,
                (Event::Close { code, reason }, _) => {
                    echo.is_over = true;
                    frame::close(code.unwrap_or(1000), reason)
                }
            };
            echo.answers.extend_from_slice(&answer);
        }
    }
}

struct Opened {
    deflate: Option<Deflate>,
    /// How much of the buffer was the request.
    head_bytes: usize,
    /// How much of the buffer was read: the client may have sent frames already.
    end: usize,
}

/// Reads the request into `buffer` and answers it.
async fn open(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Opened> {
    let mut end = 0;
    let head_bytes = loop {
        let read = match buffer.get_mut(end..HEAD_BYTES_MAX) {
            Some(free) if !free.is_empty() => stream.read(free).await?,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        end += read;
        let seen = buffer.get(..end).unwrap_or_default();
        if let Some(at) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8_lossy(buffer.get(..head_bytes).unwrap_or_default());
    let Some(key) = header(&head, "sec-websocket-key").next() else {
        stream
            .write_all(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            )
            .await?;
        return Err(io::ErrorKind::InvalidData.into());
    };
    let negotiated = Deflate::negotiate(header(&head, "sec-websocket-extensions"));
    let extensions = match &negotiated {
        Some((_, answer)) => format!("Sec-WebSocket-Extensions: {answer}\r\n"),
        None => String::new(),
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{extensions}\r\n",
        handshake::accept_key(key),
    );
    stream.write_all(answer.as_bytes()).await?;
    let deflate = negotiated.map(|(deflate, _)| deflate);
    Ok(Opened {
        deflate,
        head_bytes,
        end,
    })
}

/// The values of the headers called `name`.
fn header<'h>(head: &'h str, name: &str) -> impl Iterator<Item = &'h str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
