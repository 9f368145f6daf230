//! The server goes on with an older copy of its disk, as after the loss of a machine.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tautline_protocol::model::{Position, RoomName};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::crowd::{Lost, Reader};
use crate::history::{Promise, Rewind, Room};

use super::report::{PROTOCOL, Wrong};
use super::{Run, house};

/// The store's file within its directory.
const DATABASE: &str = "store.db";
/// So much of a life passes at most before the copy is gone back to: soon enough that what is lost is made up for
/// while somebody is still away, who then finds other publications at the offsets that it knows.
const MORE_OF_A_LIFE: f64 = 0.1;

impl Run {
    /// Copies the store while it is used, lets some more happen, and has the server go on with the copy: put into its
    /// place by somebody who has not read the manual, and every other time brought back as that says.
    pub(super) async fn rewind(&mut self) -> io::Result<()> {
        let heads = match self.heads().await {
            Ok(heads) => heads,
            Err(Lost::Nonsense(what)) => {
                let promise = PROTOCOL;
                self.wrong.push(Wrong { promise, what });
                return Ok(());
            }
            // A server that is busy is asked another time.
            Err(Lost::Ended(_) | Lost::Silent) => return Ok(()),
        };
        let copy = self.server.directory().join("copy.db");
        let mut backup = self.server.store("backup", &copy);
        spawn_blocking(move || succeed(&mut backup)).await??;
        let more = self.scale.life.mul_f64(MORE_OF_A_LIFE * self.random.f64());
        sleep(more).await;

        let is_announced = !self.toll.rewinds.len().is_multiple_of(2);
        let data = house::data(self.server.directory());
        let mut restore = self.server.store("restore", &copy);
        self.server.kill()?;
        // What members read later belongs to the era before, and they cannot know that.
        self.pause().await?;
        self.progress.era.fetch_add(1, Ordering::Release);
        fs::remove_dir_all(&data)?;
        if is_announced {
            succeed(&mut restore)?;
        } else {
            put(&copy, &data)?;
        }
        fs::remove_file(&copy)?;
        self.start_again()?;
        self.toll.blows.kills += 1;
        self.toll.rewinds.push(Rewind {
            is_announced,
            heads,
        });
        Ok(())
    }

    /// Where the durable rooms stand.
    async fn heads(&self) -> Result<HashMap<Room, Position>, Lost> {
        let token = self.server.token("reader");
        let token = token.map_err(|error| Lost::Nonsense(error.to_string()))?;
        let mut reader = Reader::open(self.server.address(), &token).await?;
        let mut heads = HashMap::new();
        for (room, promise) in &self.rooms {
            if *promise == Promise::Durable {
                let name = RoomName::parse(room).expect("rooms of a run have right names");
                heads.insert(Arc::clone(room), reader.head(&name).await?);
            }
        }
        Ok(heads)
    }
}

/// What an operator without a manual does.
fn put(copy: &Path, data: &Path) -> io::Result<()> {
    fs::create_dir(data)?;
    fs::copy(copy, data.join(DATABASE))?;
    Ok(())
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} has failed: {said}")))
}
