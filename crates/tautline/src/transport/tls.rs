//! TLS of one connection, as a machine: records in, plain bytes out, and the other way round. No socket.
//!
//! A buffered connection of rustls keeps 4 KiB to read into for as long as it lives. This one holds a
//! session, the beginning of a record whose rest has not come, and records that the socket has not
//! taken: nothing at all while the connection is idle. What it reads into belongs to the shard.

use std::io;
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, ServerConfig};
use tokio::io::ReadBuf;

/// One write seals so many plain bytes at most: two full records. That much, sealed, may wait for a
/// peer that takes none, beside its outbox.
pub(super) const WRITE_BYTES_MAX: usize = 32 * 1024;
/// What sealing adds to one write: the heads and tags of its records, and a key update before them.
pub(super) const SEAL_BYTES_MAX: usize = 512;
/// So many bytes of records are looked at at once, what is held among them.
const INCOMING_BYTES_MAX: usize = 64 * 1024;
/// What may be held of a record, or of a message in several records, whose rest has not come. The
/// largest record has 18 KiB, and no message of a client that we accept is larger.
const HELD_BYTES_MAX: usize = 20 * 1024;

/// What the connections of a shard read, gather and seal in, one after another. Empty until the
/// first of them needs it.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) incoming: Vec<u8>,
    pub(super) gathered: Vec<u8>,
    pub(super) sealed: Vec<u8>,
}

impl Buffers {
    /// With all their room.
    pub(super) fn full(&mut self) -> &mut Self {
        self.incoming.resize(INCOMING_BYTES_MAX, 0);
        self.sealed.resize(WRITE_BYTES_MAX + SEAL_BYTES_MAX, 0);
        self
    }
}

/// The server's side of a TLS connection.
pub(super) struct Tls {
    session: UnbufferedServerConnection,
    /// What the next records begin with. rustls may have decrypted it in place already.
    held: Vec<u8>,
    /// Records that the socket has not taken yet.
    outgoing: Vec<u8>,
    /// What was decrypted and did not fit where it was wanted.
    plain: Vec<u8>,
    /// Why nothing more can be read.
    failed: Option<Error>,
    /// Whether the peer has said that it sends no more.
    is_closed: bool,
}

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Self {
            session: UnbufferedServerConnection::new(config)?,
            held: Vec::new(),
            outgoing: Vec::new(),
            plain: Vec::new(),
            failed: None,
            is_closed: false,
        })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Whether the peer has said that it sends no more (`close_notify`).
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How many bytes are held of what the next records begin with.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Gives what was decrypted already, or nothing where nothing will come any more; false if more
    /// must be received first.
    pub(super) fn take(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
        if !self.plain.is_empty() {
            let fits = self.plain.len().min(buffer.remaining());
            buffer.put_slice(self.plain.get(..fits).unwrap_or_default());
            self.plain.drain(..fits);
            if self.plain.is_empty() {
                self.plain = Vec::new();
            }
            return Ok(true);
        }
        self.check()?;
        Ok(self.is_closed)
    }

    /// Whether reading can go on.
    pub(super) fn check(&self) -> io::Result<()> {
        match &self.failed {
            Some(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
            None => Ok(()),
        }
    }

    /// Takes in records: `incoming` has room for what is held, and then what came. What they say
    /// goes into `buffer`, what does not fit there is kept for [`Tls::take`], and answers are
    /// appended to what is outgoing.
    pub(super) fn receive(&mut self, incoming: &mut [u8], buffer: &mut ReadBuf<'_>) {
        let held = std::mem::take(&mut self.held);
        for (to, from) in incoming.iter_mut().zip(held) {
            *to = from;
        }
        let used = self.advance(incoming, buffer);
        if self.failed.is_some() || self.is_closed {
            return;
        }
        let rest = incoming.get(used..).unwrap_or_default();
        if rest.len() > HELD_BYTES_MAX {
            self.failed = Some(Error::General(
                "a handshake message is too large".to_owned(),
            ));
            return;
        }
        self.held = rest.to_vec();
    }

    /// Goes on until the session waits for its peer or for us, and says how much it is done with.
    fn advance(&mut self, records: &mut [u8], buffer: &mut ReadBuf<'_>) -> usize {
        let mut used = 0;
        loop {
            let rest = records.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.session.process_tls_records(rest);
            let mut waits = false;
            let step = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                    match traffic.next_record() {
                        Some(Ok(record)) => {
                            discard += record.discard;
                            let fits = record.payload.len().min(buffer.remaining());
                            let (now, later) = record.payload.split_at(fits);
                            buffer.put_slice(now);
                            self.plain.extend_from_slice(later);
                        }
                        Some(Err(error)) => break Err(error),
                        None => break Ok(()),
                    }
                },
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.outgoing);
                    Ok(())
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(())
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.is_closed = true;
                    Ok(())
                }
                Ok(
                    ConnectionState::Closed
                    | ConnectionState::BlockedHandshake
                    | ConnectionState::WriteTraffic(_),
                ) => {
                    waits = true;
                    Ok(())
                }
                // Early data, which is not offered.
                Ok(_) => Err(Error::General("an unexpected state".to_owned())),
                Err(error) => Err(error),
            };
            used += discard;
            if let Err(error) = step {
                self.failed = Some(error);
                self.last_word(records.get_mut(used..).unwrap_or_default());
                return used;
            }
            if waits {
                return used;
            }
        }
    }

    /// Takes what the session says last: the alert that tells the peer what is wrong, and what came
    /// before it. After the alert it is not asked any more, because it would look at what is wrong again.
    fn last_word(&mut self, records: &mut [u8]) {
        while let Ok(ConnectionState::EncodeTlsData(mut data)) =
            self.session.process_tls_records(records).state
        {
            let begin = self.outgoing.len();
            encode(&mut data, &mut self.outgoing);
            if self.outgoing.get(begin..).is_some_and(is_alert) {
                return;
            }
        }
    }

    /// Seals plain bytes for the peer, not more than [`WRITE_BYTES_MAX`], and says how many bytes of
    /// `sealed` that took. They follow what is outgoing.
    pub(super) fn seal(&mut self, plain: &[u8], sealed: &mut [u8]) -> io::Result<usize> {
        self.write(|traffic| traffic.encrypt(plain, sealed))
    }

    /// Has the peer told that nothing more follows. Once is enough.
    pub(super) fn close(&mut self) {
        let mut alert = [0; SEAL_BYTES_MAX];
        // A session that cannot say so any more has said that it failed.
        if let Ok(length) = self.write(|traffic| traffic.queue_close_notify(&mut alert)) {
            self.keep(alert.get(..length).unwrap_or_default());
        }
    }

    fn write(
        &mut self,
        write: impl FnOnce(
            &mut WriteTraffic<'_, rustls::server::ServerConnectionData>,
        ) -> Result<usize, EncryptError>,
    ) -> io::Result<usize> {
        self.check()?;
        loop {
            // The session remembers how far it is with what is held, and wants to see it again.
            match self.session.process_tls_records(&mut self.held).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return write(&mut traffic).map_err(io::Error::other);
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.outgoing);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(_) => return Err(io::ErrorKind::NotConnected.into()),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    /// The records that the socket is to take.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// Appends records that the socket did not take.
    pub(super) fn keep(&mut self, records: &[u8]) {
        self.outgoing.extend_from_slice(records);
    }

    /// The socket has taken so many bytes.
    pub(super) fn sent(&mut self, length: usize) {
        if length < self.outgoing.len() {
            self.outgoing.drain(..length);
        } else {
            self.outgoing = Vec::new();
        }
    }
}

/// Whether a record looks like an alert: of TLS 1.3 only the length can be seen.
fn is_alert(record: &[u8]) -> bool {
    const ALERT: u8 = 21;
    const APPLICATION_DATA: u8 = 23;
    /// The record's head, level and description, the type inside, the tag.
    const SEALED_ALERT_BYTES: usize = 5 + 2 + 1 + 16;
    match record.first() {
        Some(&ALERT) => true,
        Some(&APPLICATION_DATA) => record.len() == SEALED_ALERT_BYTES,
        _ => false,
    }
}

fn encode<T>(data: &mut EncodeTlsData<'_, T>, outgoing: &mut Vec<u8>) {
    let begin = outgoing.len();
    if let Err(EncodeError::InsufficientSize(short)) = data.encode(&mut []) {
        outgoing.resize(begin + short.required_size, 0);
        data.encode(outgoing.get_mut(begin..).unwrap_or_default())
            .expect("it has the room that it asked for");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::crypto::cipher::{MessageEncrypter, OutboundPlainMessage};
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{
        ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
        RootCertStore,
    };

    use super::*;

    /// A key update of TLS 1.3: its kind, its length, and whether an answer is wanted.
    const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

    /// Both sides after the handshake.
    pub(in crate::transport) fn connected() -> (ClientConnection, Tls) {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(default_provider());
        let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(issued.cert.der().clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.enable_secret_extraction = true;
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = Tls::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut records = Vec::new();
            client.write_tls(&mut records).unwrap();
            assert_eq!(give(&mut server, &records), b"");
            hear(&mut client, &mut server);
        }
        (client, server)
    }

    /// What the server makes of some records.
    fn give(server: &mut Tls, records: &[u8]) -> Vec<u8> {
        let mut incoming = vec![0; server.held()];
        incoming.extend(records);
        let mut plain = vec![0; INCOMING_BYTES_MAX];
        let mut buffer = ReadBuf::new(&mut plain);
        server.receive(&mut incoming, &mut buffer);
        buffer.filled().to_vec()
    }

    /// What the client makes of what the server has to say.
    fn hear(client: &mut ClientConnection, server: &mut Tls) {
        client.read_tls(&mut server.outgoing()).unwrap();
        server.sent(server.outgoing().len());
        client.process_new_packets().unwrap();
    }

    /// Seals what a rustls client would never send.
    pub(in crate::transport) struct Forger {
        encrypter: Box<dyn MessageEncrypter>,
        sequence: u64,
    }

    impl Forger {
        pub(in crate::transport) fn new(client: ClientConnection) -> Self {
            let suite = client.negotiated_cipher_suite().unwrap().tls13().unwrap();
            let secrets = client.dangerous_extract_secrets().unwrap();
            let (sequence, secrets) = secrets.tx;
            let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
            | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
            | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
            else {
                panic!("an unknown suite");
            };
            let encrypter = suite.aead_alg.encrypter(key, iv);
            Self {
                encrypter,
                sequence,
            }
        }

        pub(in crate::transport) fn record(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
            let message = OutboundPlainMessage {
                typ,
                version: ProtocolVersion::TLSv1_3,
                payload: payload.into(),
            };
            let sealed = self.encrypter.encrypt(message, self.sequence).unwrap();
            self.sequence += 1;
            sealed.encode()
        }
    }

    #[test]
    fn an_idle_session_holds_no_buffer() {
        let (mut client, mut server) = connected();
        client.writer().write_all(b"hello").unwrap();
        let mut records = Vec::new();
        client.write_tls(&mut records).unwrap();
        assert_eq!(give(&mut server, &records), b"hello");
        let mut sealed = vec![0; 1000];
        let length = server.seal(b"welcome", &mut sealed).unwrap();
        server.keep(&sealed[..length]);
        hear(&mut client, &mut server);
        let Tls {
            held,
            outgoing,
            plain,
            ..
        } = server;
        assert_eq!(
            (held.capacity(), outgoing.capacity(), plain.capacity()),
            (0, 0, 0)
        );
    }

    #[test]
    fn a_message_whose_rest_has_not_come_is_in_nobodys_way() {
        let (client, mut server) = connected();
        let mut forger = Forger::new(client);
        let (begin, rest) = KEY_UPDATE.split_at(2);
        let begin = forger.record(ContentType::Handshake, begin);
        assert_eq!(give(&mut server, &begin), b"");
        let mut sealed = [0; 1000];
        assert!(server.seal(b"meanwhile", &mut sealed).unwrap() > 9);
        let rest = forger.record(ContentType::Handshake, rest);
        assert_eq!(give(&mut server, &rest), b"");
        server.check().unwrap();
        assert_eq!(server.held(), 0);
    }

    #[test]
    fn nothing_disturbs_a_session_that_has_failed_within_a_message() {
        let (client, mut server) = connected();
        let mut forger = Forger::new(client);
        let begin = forger.record(ContentType::Handshake, &KEY_UPDATE[..2]);
        give(&mut server, &begin);
        let mut broken = forger.record(ContentType::Handshake, &KEY_UPDATE[2..]);
        *broken.last_mut().unwrap() ^= 1;
        give(&mut server, &[broken.clone(), broken].concat());
        assert!(server.check().is_err());
        assert!(is_alert(server.outgoing()));
        assert!(server.seal(b"too late", &mut [0; 1000]).is_err());
        server.close();
        assert!(is_alert(server.outgoing()));
    }

    #[test]
    fn a_message_without_end_is_not_held() {
        let (client, mut server) = connected();
        let mut forger = Forger::new(client);
        // It says that 16 MB follow.
        let mut payload = vec![0; 10_000];
        payload[..4].copy_from_slice(&[24, 255, 255, 255]);
        for _ in 0..10 {
            let record = forger.record(ContentType::Handshake, &payload);
            give(&mut server, &record);
            assert!(server.held() <= HELD_BYTES_MAX);
        }
        assert!(server.check().is_err());
    }
}
