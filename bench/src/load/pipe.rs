//! What carries a connection's bytes: a socket, or TLS over it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::certificate;

/// A socket that never waits, with TLS or without.
#[derive(Debug)]
pub(crate) struct Pipe {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Pipe {
    pub(crate) fn connect(address: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> Result<Self> {
        let stream =
            std::net::TcpStream::connect(address).context("the load client cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let tls = match tls {
            None => None,
            Some(config) => {
                let name = ServerName::try_from(certificate::NAME)?;
                let session = ClientConnection::new(Arc::clone(config), name)?;
                Some(Box::new(session))
            }
        };
        Ok(Self {
            stream: TcpStream::from_std(stream),
            tls,
        })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether a read that does not fill the buffer has read all there is.
    pub(crate) fn reads_all(&self) -> bool {
        self.tls.is_none()
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            tls.read_tls(&mut self.stream)?;
            tls.process_new_packets().map_err(io::Error::other)?;
            write_records(tls, &mut self.stream)?;
        }
    }

    /// How much of `bytes` was taken.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return write_some(&mut self.stream, bytes);
        };
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match tls.writer().write(rest)? {
                0 => break,
                more => taken += more,
            }
            write_records(tls, &mut self.stream)?;
        }
        Ok(taken)
    }

    /// Writes what TLS holds back.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => write_records(tls, &mut self.stream),
            None => Ok(()),
        }
    }
}

/// How much of `bytes` the socket took.
pub(crate) fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(bytes.get(written..).unwrap_or_default()) {
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Writes records as far as the socket takes them.
fn write_records(tls: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(stream) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            written => written?,
        };
    }
    Ok(())
}
