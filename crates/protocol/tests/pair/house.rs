//! Hub and engine of the server, small and honest: rooms, what they keep, and who is in them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tautline_protocol::model::{
    Acks, Bucket, Epoch, EventName, Gap, GapReason, Position, Publication, PublicationId, RoomName,
};
use tautline_protocol::server::Now;
use tautline_protocol::server::v2::{Begin, Entered, Past, Placed, Reply};
use tautline_protocol::wire::v2::{self, Encoding, Envelope, Level, Part, ServerMessage};

use crate::plan::{Plan, RoomPlan};

/// So many publications are given at once.
const PAGE: usize = 4;
/// Catching up ends after so many.
const CATCH_UP_MAX: usize = 24;
/// Between two pages.
const PAGE_PAUSE: Duration = Duration::from_millis(20);

/// Names a connection, on both of its sides.
pub(crate) type LinkId = u64;

/// The rooms.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) halls: BTreeMap<RoomName, Hall>,
    encoding: Encoding,
    /// What is to be sent to whom.
    pub(crate) post: Vec<(LinkId, Bytes)>,
    /// Every gap that was told, for who checks it.
    pub(crate) gaps: Vec<(RoomName, Gap)>,
    serial: u64,
}

/// One room.
#[derive(Debug)]
pub(crate) struct Hall {
    plan: RoomPlan,
    pub(crate) epoch: Epoch,
    /// What is kept, oldest first.
    kept: VecDeque<Arc<Publication>>,
    /// The last that is not kept any more.
    trimmed: Position,
    keys: HashMap<(Arc<str>, Arc<str>), Position>,
    pub(crate) cursors: HashMap<Arc<str>, Position>,
    members: Vec<Member>,
    bucket: Bucket,
    /// Everything that was ever published, in each epoch.
    pub(crate) archive: HashMap<Epoch, Vec<Arc<Publication>>>,
}

#[derive(Debug)]
struct Member {
    link: LinkId,
    user: Arc<str>,
    cursor: Position,
    is_following: bool,
    /// How many it was given since it was last live.
    spent: usize,
    ends_for: GapReason,
    page_at: Option<Instant>,
    account: Option<Account>,
}

/// What a member owes.
#[derive(Debug)]
struct Account {
    acks: Acks,
    given: VecDeque<Position>,
    again_at: Option<Instant>,
}

/// Who publishes what.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) user: Arc<str>,
    pub(crate) producer: Option<Arc<str>>,
    pub(crate) event: EventName,
    pub(crate) data: Bytes,
    pub(crate) key: Option<Arc<str>>,
}

/// What comes after a position.
struct Page {
    gap: Option<Gap>,
    behind: Position,
    publications: Vec<Arc<Publication>>,
}

impl House {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut house = Self {
            halls: BTreeMap::new(),
            encoding: plan.encoding,
            post: Vec::new(),
            gaps: Vec::new(),
            serial: 0,
        };
        for room in &plan.rooms {
            house.serial += 1;
            let hall = Hall::new(room.clone(), Epoch(house.serial));
            house.halls.insert(room.name.clone(), hall);
        }
        house
    }

    /// The server is gone, and another one begins: what is not durable has another order.
    pub(crate) fn restart(&mut self) {
        self.post.clear();
        for hall in self.halls.values_mut() {
            hall.members.clear();
            if !hall.plan.is_durable {
                self.serial += 1;
                let archive = std::mem::take(&mut hall.archive);
                *hall = Hall::new(hall.plan.clone(), Epoch(self.serial));
                hall.archive.extend(archive);
            }
        }
    }

    /// The rooms of memory lose what they had, while everybody stays connected.
    pub(crate) fn forget(&mut self, now: Instant, name: &RoomName) {
        let Some(hall) = self.halls.get_mut(name).filter(|it| !it.plan.is_durable) else {
            return;
        };
        self.serial += 1;
        let archive = std::mem::take(&mut hall.archive);
        let members = std::mem::take(&mut hall.members);
        *hall = Hall::new(hall.plan.clone(), Epoch(self.serial));
        hall.archive.extend(archive);
        hall.members = members;
        for member in &mut hall.members {
            member.page_at = member.is_following.then_some(now);
        }
    }

    /// Publishes, or says why not.
    pub(crate) fn publish(&mut self, now: Now, name: &RoomName, draft: Draft) -> Reply {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        if let Err(wait) = hall.bucket.take(now.at, hall.plan.rate) {
            return Reply::TooOften { wait };
        }
        let key = draft.key.map(|key| (Arc::clone(&draft.user), key));
        if let Some(position) = key.as_ref().and_then(|key| hall.keys.get(key)) {
            return placed(*position, true);
        }
        self.serial += 1;
        let mut id = PublicationId::default();
        id.0[..8].copy_from_slice(&self.serial.to_be_bytes());
        let before = hall.head();
        let position = Position {
            id,
            offset: before.offset + 1,
            epoch: hall.epoch,
        };
        let publication = Arc::new(Publication {
            room: name.clone(),
            position,
            event: draft.event,
            data: draft.data,
            user: Some(draft.user),
            tag: draft.producer,
            sent_at: now.wall,
        });
        hall.keys.extend(key.map(|key| (key, position)));
        hall.append(&publication);
        let mut live = Vec::new();
        for member in &mut hall.members {
            let is_live = member.cursor == before && member.page_at.is_none();
            if member.is_following && is_live && member.left() > 0 {
                member.give(now.at, position);
                live.push(member.link);
            } else if member.is_following && member.page_at.is_none() {
                member.page_at = Some(now.at + PAGE_PAUSE);
            }
        }
        if !live.is_empty() {
            let message = self.encoded(ServerMessage::Message((&*publication).into()));
            let post = live.into_iter().map(|link| (link, message.clone()));
            self.post.extend(post);
        }
        placed(position, false)
    }

    /// Takes a connection in, silently.
    pub(crate) fn join(
        &mut self,
        (link, user): (LinkId, &Arc<str>),
        name: &RoomName,
        begin: Begin,
    ) -> Reply {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        let (mut entered, account) = match hall.plan.acks {
            Some(acks) => hall.enter_owing(user, begin, acks),
            None => (hall.enter_freely(begin), None),
        };
        hall.members.retain(|member| member.link != link);
        hall.members.push(Member {
            link,
            user: Arc::clone(user),
            cursor: entered.position,
            is_following: false,
            spent: entered.messages.len(),
            ends_for: GapReason::Limit,
            page_at: None,
            account,
        });
        entered.more = entered.position != hall.head();
        let gap = entered.gap;
        self.note_gap(name, gap);
        Reply::Joined(Box::new(entered))
    }

    /// A connection goes on behind what it was given.
    pub(crate) fn follow(&mut self, now: Instant, link: LinkId, name: &RoomName) {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        if let Some(member) = hall.members.iter_mut().find(|it| it.link == link) {
            member.is_following = true;
            member.page_at = Some(now);
            if let Some(account) = &mut member.account {
                let owes = !account.given.is_empty();
                account.again_at = owes.then(|| now + account.acks.timeout);
            }
        }
    }

    pub(crate) fn leave(&mut self, link: LinkId, name: &RoomName) {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        hall.members.retain(|member| member.link != link);
    }

    pub(crate) fn leave_all(&mut self, link: LinkId) {
        for hall in self.halls.values_mut() {
            hall.members.retain(|member| member.link != link);
        }
    }

    /// A member takes less than it is sent: it is given nothing for a while, and a gap then.
    pub(crate) fn stall(&mut self, until: Instant, link: LinkId, name: &RoomName) {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        let member = hall.members.iter_mut().find(|it| it.link == link);
        if let Some(member) = member.filter(|it| it.is_following && it.account.is_none()) {
            member.spent = CATCH_UP_MAX;
            member.ends_for = GapReason::SlowConsumer;
            member.page_at = Some(until);
        }
    }

    /// A connection has received everything up to there.
    pub(crate) fn acknowledge(
        &mut self,
        now: Instant,
        (link, user): (LinkId, &Arc<str>),
        (name, epoch, offset): (&RoomName, Epoch, u64),
    ) {
        let hall = self.halls.get_mut(name).expect("a room of the plan");
        let Some(member) = hall.members.iter_mut().find(|it| it.link == link) else {
            return;
        };
        let given = member.account.as_ref().map(|account| &account.given);
        let is_it = |position: &&Position| position.epoch == epoch && position.offset == offset;
        let Some(position) = given.and_then(|given| given.iter().find(is_it)).copied() else {
            return;
        };
        member.settle(now, position);
        hall.advance(user, position);
    }

    pub(crate) fn history(&self, name: &RoomName, part: Part, limit: u32) -> Reply {
        let hall = &self.halls[name];
        let limit = usize::try_from(limit).expect("few");
        let wanted = |publication: &&Arc<Publication>| match part {
            Part::Newest => true,
            Part::Before(offset) => publication.position.offset < offset,
            Part::After(position) => publication.position.offset > position.offset,
        };
        let of_part: Vec<_> = hall.kept.iter().filter(wanted).cloned().collect();
        let skipped = match part {
            Part::Newest | Part::Before(_) => of_part.len().saturating_sub(limit),
            Part::After(_) => 0,
        };
        Reply::History(Box::new(Past {
            position: hall.head(),
            more: of_part.len() > limit,
            messages: of_part.into_iter().skip(skipped).take(limit).collect(),
        }))
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let members = self.halls.values().flat_map(|hall| &hall.members);
        let times = members.flat_map(|member| {
            let again = member.account.as_ref().and_then(|account| account.again_at);
            [member.page_at, again]
        });
        times.flatten().min()
    }

    /// Gives pages to who catches up, and again what was not acknowledged.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let names: Vec<RoomName> = self.halls.keys().cloned().collect();
        for name in names {
            let hall = self.halls.get_mut(&name).expect("its name was read");
            let mut members = std::mem::take(&mut hall.members);
            for member in &mut members {
                if member.page_at.take_if(|at| *at <= now).is_some() {
                    self.give_page(now, &name, member);
                }
                self.give_again(now, &name, member);
            }
            let hall = self.halls.get_mut(&name).expect("its name was read");
            hall.members = members;
        }
    }

    fn give_page(&mut self, now: Instant, name: &RoomName, member: &mut Member) {
        let hall = &self.halls[name];
        let head = hall.head();
        if member.cursor == head {
            member.spent = 0;
            return;
        }
        let is_spent = member.account.is_none() && member.spent >= CATCH_UP_MAX;
        if is_spent && member.cursor.epoch == head.epoch {
            let gap = Gap {
                from: member.cursor.offset + 1,
                until: head,
                reason: member.ends_for,
            };
            member.cursor = head;
            member.spent = 0;
            member.ends_for = GapReason::Limit;
            self.tell_gap(name, member.link, gap);
            return;
        }
        if member.left() == 0 && member.cursor.epoch == head.epoch {
            return;
        }
        let page = hall.page(member.cursor, PAGE);
        if let Some(gap) = page.gap {
            member.skip(gap.until);
            self.tell_gap(name, member.link, gap);
        }
        for publication in page.publications {
            if member.left() == 0 {
                return;
            }
            member.give(now, publication.position);
            member.spent += 1;
            let message = self.encoded(ServerMessage::Message((&*publication).into()));
            self.post.push((member.link, message));
        }
        member.page_at = Some(now + PAGE_PAUSE);
    }

    fn give_again(&mut self, now: Instant, name: &RoomName, member: &mut Member) {
        let is_due = |account: &Account| account.again_at.is_some_and(|at| at <= now);
        if !member.account.as_ref().is_some_and(is_due) || !member.is_following {
            return;
        }
        let hall = &self.halls[name];
        // Another connection of the user may have acknowledged it.
        if let Some(cursor) = hall.cursors.get(&member.user) {
            member.settle(now, *cursor);
        }
        let Some(account) = &mut member.account else {
            return;
        };
        account.again_at = (!account.given.is_empty()).then(|| now + account.acks.timeout);
        let is_owed = |it: &&Arc<Publication>| account.given.contains(&it.position);
        let owed: Vec<_> = hall.kept.iter().filter(is_owed).cloned().collect();
        let oldest = hall.trimmed;
        for publication in owed {
            let message = self.encoded(ServerMessage::Message((&*publication).into()));
            self.post.push((member.link, message));
        }
        // What is not kept any more cannot be given again.
        if oldest.epoch == member.cursor.epoch {
            member.settle(now, oldest);
        }
    }

    fn tell_gap(&mut self, name: &RoomName, link: LinkId, gap: Gap) {
        self.note_gap(name, Some(gap));
        let missing = v2::Missing::from(gap);
        let message = self.encoded(ServerMessage::Gap(v2::Gap {
            room: name.clone(),
            from: missing.from,
            to: missing.to,
            position: gap.until,
            reason: missing.reason,
        }));
        self.post.push((link, message));
    }

    fn note_gap(&mut self, name: &RoomName, gap: Option<Gap>) {
        self.gaps.extend(gap.map(|gap| (name.clone(), gap)));
    }

    fn encoded(&self, message: ServerMessage<'_>) -> Bytes {
        Envelope::from(message).encode(self.encoding).into()
    }
}

impl Hall {
    fn new(plan: RoomPlan, epoch: Epoch) -> Self {
        Self {
            plan,
            epoch,
            kept: VecDeque::new(),
            trimmed: Position::start(epoch),
            keys: HashMap::new(),
            cursors: HashMap::new(),
            members: Vec::new(),
            bucket: Bucket::default(),
            archive: HashMap::from([(epoch, Vec::new())]),
        }
    }

    pub(crate) fn head(&self) -> Position {
        self.kept.back().map_or(self.trimmed, |last| last.position)
    }

    pub(crate) fn has_acks(&self) -> bool {
        self.plan.acks.is_some()
    }

    pub(crate) fn has_member(&self, link: LinkId) -> bool {
        self.members.iter().any(|member| member.link == link)
    }

    fn append(&mut self, publication: &Arc<Publication>) {
        self.kept.push_back(Arc::clone(publication));
        let archive = self.archive.get_mut(&self.epoch);
        archive
            .expect("it begins with the epoch")
            .push(Arc::clone(publication));
        if self.kept.len() > self.plan.keeps {
            let oldest = self.kept.pop_front().expect("it keeps too many");
            self.trimmed = oldest.position;
        }
    }

    /// What comes after a position, and what of it is lost.
    fn page(&self, after: Position, limit: usize) -> Page {
        let head = self.head();
        let is_kept = |it: &Arc<Publication>| it.position == after;
        let is_of_order = after == head || after == self.trimmed || self.kept.iter().any(is_kept);
        let is_older = after.epoch == self.epoch && after.offset < self.trimmed.offset;
        let gap = match (is_of_order, is_older) {
            (true, _) => None,
            (false, true) => Some((after.offset + 1, GapReason::Evicted)),
            (false, false) => Some((1, GapReason::EpochChanged)),
        };
        let gap = gap.map(|(from, reason)| Gap {
            from,
            until: self.trimmed,
            reason,
        });
        let behind = gap.map_or(after, |gap| gap.until);
        let newer = |it: &&Arc<Publication>| it.position.offset > behind.offset;
        let publications = self.kept.iter().filter(newer).take(limit).cloned();
        Page {
            gap,
            behind,
            publications: publications.collect(),
        }
    }

    fn enter_freely(&self, begin: Begin) -> Entered {
        let head = self.head();
        match begin {
            Begin::Now => entered(head, Vec::new(), None),
            Begin::Last(count) => {
                let count = usize::try_from(count).expect("few").min(self.kept.len());
                let newest = self.kept.iter().skip(self.kept.len() - count).cloned();
                entered(head, newest.collect(), None)
            }
            Begin::Since(since) => {
                let page = self.page(since, PAGE);
                entered(page.behind, page.publications, page.gap)
            }
        }
    }

    /// Behind what the user has acknowledged, or behind what the connection comes with if that is further back.
    fn enter_owing(
        &mut self,
        user: &Arc<str>,
        begin: Begin,
        acks: Acks,
    ) -> (Entered, Option<Account>) {
        let known = self.cursors.get(user).copied();
        let cursor = known.unwrap_or_else(|| {
            let first = match begin {
                Begin::Since(since) => self.page(since, 1).behind,
                Begin::Last(_) | Begin::Now => self.head(),
            };
            self.cursors.insert(Arc::clone(user), first);
            first
        });
        let mut owing = Account {
            acks,
            given: VecDeque::new(),
            again_at: None,
        };
        if let (None, Begin::Last(_)) = (known, begin) {
            return (self.enter_freely(begin), Some(owing));
        }
        let start = match begin {
            Begin::Since(since)
                if since.epoch != cursor.epoch
                    || since.offset <= cursor.offset
                    || self.page(since, 1).gap.is_some() =>
            {
                since
            }
            Begin::Since(_) | Begin::Last(_) | Begin::Now => cursor,
        };
        let limit = usize::try_from(acks.in_flight_max).expect("few");
        let page = self.page(start, limit.min(PAGE));
        owing
            .given
            .extend(page.publications.iter().map(|it| it.position));
        let gap = match begin {
            Begin::Since(since) => page.gap.and_then(|gap| beyond(gap, since)),
            Begin::Last(_) | Begin::Now => page.gap,
        };
        (entered(page.behind, page.publications, gap), Some(owing))
    }

    /// Moves a user's cursor, forward only.
    fn advance(&mut self, user: &Arc<str>, position: Position) {
        let cursor = self.cursors.entry(Arc::clone(user)).or_insert(position);
        if cursor.epoch != position.epoch || cursor.offset < position.offset {
            *cursor = position;
        }
    }
}

impl Member {
    /// How many more it may be given.
    fn left(&self) -> usize {
        self.account.as_ref().map_or(usize::MAX, |account| {
            let most = usize::try_from(account.acks.in_flight_max).expect("few");
            most.saturating_sub(account.given.len())
        })
    }

    fn give(&mut self, now: Instant, position: Position) {
        self.cursor = position;
        if let Some(account) = &mut self.account {
            account.given.push_back(position);
            account.again_at.get_or_insert(now + account.acks.timeout);
        }
    }

    fn skip(&mut self, until: Position) {
        self.cursor = until;
        if let Some(account) = &mut self.account {
            account.given.clear();
            account.again_at = None;
        }
    }

    fn settle(&mut self, now: Instant, until: Position) {
        let Some(account) = &mut self.account else {
            return;
        };
        let given = account.given.len();
        account
            .given
            .retain(|it| it.epoch != until.epoch || it.offset > until.offset);
        if account.given.len() < given {
            account.again_at = (!account.given.is_empty()).then(|| now + account.acks.timeout);
            if self.is_following {
                self.page_at.get_or_insert(now);
            }
        }
    }
}

fn entered(behind: Position, messages: Vec<Arc<Publication>>, gap: Option<Gap>) -> Entered {
    Entered {
        position: messages.last().map_or(behind, |last| last.position),
        messages,
        more: false,
        members: None,
        gap,
    }
}

fn placed(position: Position, duplicate: bool) -> Reply {
    Reply::Published(Placed {
        position,
        duplicate,
        level: Level::Memory,
    })
}

/// What of a gap somebody misses who has everything up to `since`.
fn beyond(gap: Gap, since: Position) -> Option<Gap> {
    if gap.reason == GapReason::EpochChanged || gap.until.epoch != since.epoch {
        return Some(gap);
    }
    let from = gap.from.max(since.offset + 1);
    (from <= gap.until.offset).then_some(Gap { from, ..gap })
}
