//! The devices behind one gateway: which blocks are read, what each device makes of them, what is written. Pure.

use std::collections::BTreeSet;

use drover_proto::device::{Condition, Level};

use super::file::{Entry, Gateway, Heartbeat, Watch};
use super::registers::{Block, Image, Place, Write, blocks};
use super::{Device, Shown};

/// One gateway's devices.
pub(crate) struct Bank {
    slots: Vec<Slot>,
    blocks: Vec<Block>,
    gap_max: u16,
    heartbeat: Option<(Heartbeat, Beat)>,
    watch: Option<(Watch, Pulse)>,
}

struct Slot {
    places: BTreeSet<Place>,
    device: Box<dyn Device>,
    /// Why this poll says nothing about it.
    refusal: Option<String>,
}

#[derive(Default)]
struct Beat {
    count: u16,
    due_ms: u64,
}

/// The value seen last, and when it last changed.
#[derive(Default)]
struct Pulse {
    value: Option<u16>,
    moved_ms: Option<u64>,
}

/// What one poll comes to.
pub(crate) struct Outcome {
    /// One per device, in the file's order.
    pub shown: Vec<Shown>,
    /// Whose, and what. The heartbeat is nobody's.
    pub writes: Vec<(Option<usize>, Write)>,
    /// Poll again at this time, ms, or sooner.
    pub again_ms: Option<u64>,
}

impl Bank {
    /// Of this gateway, with no contact yet.
    pub fn new(gateway: &Gateway) -> Self {
        let slot = |entry: &Entry| Slot {
            places: entry.wired.inputs().into_iter().collect(),
            device: entry.wired.device(),
            refusal: None,
        };
        let slots = gateway.devices.iter().map(slot).collect();
        let heartbeat = gateway.heartbeat.map(|heartbeat| (heartbeat, Beat::default()));
        let watch = gateway.watch.map(|watch| (watch, Pulse::default()));
        let mut bank = Self { slots, blocks: Vec::new(), gap_max: gateway.gap_max, heartbeat, watch };
        bank.join_blocks();
        bank
    }

    /// What the next poll reads.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    fn join_blocks(&mut self) {
        let mut places: BTreeSet<Place> = self.slots.iter().flat_map(|slot| &slot.places).copied().collect();
        places.extend(self.watch.iter().map(|(watch, _)| watch.place));
        self.blocks = blocks(&places, self.gap_max);
    }

    /// A block was refused. One that joins several devices, or reads what nobody wants, is cut up for the next poll:
    /// one bad place must not hide its neighbours.
    pub fn on_refused(&mut self, block: Block, why: &str) {
        let concerned = |slot: &Slot| slot.places.iter().any(|place| block.holds(*place));
        for slot in self.slots.iter_mut().filter(|slot| concerned(slot)) {
            let first = block.first;
            slot.refusal.get_or_insert_with(|| format!("the PLC refuses to read {first} and on: {why}"));
        }
        let mut exact: BTreeSet<(Place, u16)> = BTreeSet::new();
        for slot in self.slots.iter().filter(|slot| concerned(slot)) {
            let own = slot.places.iter().copied().filter(|place| block.holds(*place)).collect();
            exact.extend(blocks(&own, 0).into_iter().map(|block| (block.first, block.count)));
        }
        let watched = self.watch.iter().map(|(watch, _)| watch.place).filter(|place| block.holds(*place));
        exact.extend(watched.map(|place| (place, 1)));
        self.blocks.retain(|known| *known != block);
        self.blocks.extend(exact.into_iter().map(|(first, count)| Block { first, count }));
    }

    /// A write was refused: it counts as not done, and its device as unknown.
    pub fn on_write_refused(&mut self, index: usize, write: Write, why: &str) -> Shown {
        let Write { place, value } = write;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.device.forget();
        }
        Shown::because(Condition::Unknown, format!("the PLC refuses to write {value} to {place}: {why}"))
    }

    /// No contact: nothing that was read or written counts any more.
    pub fn on_lost(&mut self) {
        for slot in &mut self.slots {
            slot.device.forget();
            slot.refusal = None;
        }
        if let Some((_, pulse)) = &mut self.watch {
            *pulse = Pulse::default();
        }
        self.join_blocks();
    }

    /// A poll is read. `wants` has one level per device.
    pub fn step(&mut self, now_ms: u64, wants: &[Option<Level>], image: &Image) -> Outcome {
        let standstill =
            self.watch.as_mut().and_then(|(watch, pulse)| pulse.standstill(now_ms, *watch, image));
        let mut outcome = Outcome { shown: Vec::new(), writes: Vec::new(), again_ms: None };
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(why) = slot.refusal.take() {
                slot.device.forget();
                outcome.shown.push(Shown::because(Condition::Unknown, why));
                continue;
            }
            let want = wants.get(index).copied().flatten();
            let step = slot.device.step(now_ms, want, image);
            outcome.writes.extend(step.writes.into_iter().map(|write| (Some(index), write)));
            outcome.again_ms = outcome.again_ms.into_iter().chain(step.again_ms).min();
            let frozen = standstill.map(|why| Shown::because(Condition::Unknown, why));
            outcome.shown.push(frozen.unwrap_or(Shown { under: want, ..step.shown }));
        }
        if let Some((heartbeat, beat)) = &mut self.heartbeat
            && now_ms >= beat.due_ms
        {
            beat.count = beat.count.wrapping_add(1);
            beat.due_ms = now_ms + heartbeat.every_ms;
            outcome.writes.push((None, Write { place: heartbeat.place, value: beat.count }));
        }
        outcome
    }
}

impl Pulse {
    /// Why the PLC's program can't be trusted to run, if it can't. A PLC that was found again must have moved once.
    fn standstill(&mut self, now_ms: u64, watch: Watch, image: &Image) -> Option<&'static str> {
        let Some(value) = image.get(watch.place) else {
            *self = Self::default();
            return Some("its PLC's heartbeat can't be read");
        };
        if self.value.replace(value).is_some_and(|before| before != value) {
            self.moved_ms = Some(now_ms);
        }
        match self.moved_ms {
            None => Some("its PLC's heartbeat hasn't been seen to move yet"),
            Some(moved) if now_ms.saturating_sub(moved) > watch.stale_ms => {
                Some("its PLC's heartbeat stands still")
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const TWO: &str = "[[gateway]]\nid = \"g\"\nurl = \"modbus-tcp://h\"\n\
        heartbeat = { holding = 0, every_ms = 1000 }\nwatch = { input = 0, stale_ms = 3000 }\n\
        [[device]]\nid = \"A\"\nkind = \"door\"\ngateway = \"g\"\ncommand = { coil = 0, read_back = false }\n\
        opened = { discrete = 0 }\nclosed = { discrete = 1 }\n\
        [[device]]\nid = \"B\"\nkind = \"door\"\ngateway = \"g\"\ncommand = { coil = 1, read_back = false }\n\
        opened = { discrete = 4 }\nclosed = { discrete = 5 }\n";

    fn bank() -> Bank {
        Bank::new(&file::parse("two", TWO).unwrap().gateways[0])
    }

    /// Both doors shut, or not read; the PLC's heartbeat at this count.
    fn image(bank: &Bank, beat: u16, is_read: impl Fn(Block) -> bool) -> Image {
        let mut image = Image::default();
        for place in bank.blocks().iter().filter(|block| is_read(**block)).flat_map(|block| block.places()) {
            let is_beat = place.table == super::super::registers::Table::Input;
            image.set(place, if is_beat { beat } else { u16::from([1, 5].contains(&place.address)) });
        }
        image
    }

    fn conditions(outcome: &Outcome) -> Vec<Condition> {
        outcome.shown.iter().map(|shown| shown.condition).collect()
    }

    #[test]
    fn a_refused_block_is_cut_up_until_only_its_own_device_is_unknown() {
        let mut bank = bank();
        let counts = |bank: &Bank| bank.blocks().iter().map(|block| block.count).collect::<Vec<_>>();
        assert_eq!(counts(&bank), [6, 1]);
        bank.step(0, &[None, None], &image(&bank, 1, |_| true));
        bank.on_refused(bank.blocks()[0], "x");
        let outcome = bank.step(100, &[None, None], &image(&bank, 2, |block| block.count == 1));
        assert_eq!(conditions(&outcome), [Condition::Unknown; 2]);
        assert_eq!(counts(&bank), [1, 2, 2]);
        let of_b = bank.blocks()[2];
        for now in [200, 300] {
            bank.on_refused(of_b, "x");
            let outcome =
                bank.step(now, &[None, Some(Level::Open)], &image(&bank, now as u16, |block| block != of_b));
            assert_eq!(conditions(&outcome), [Condition::Closed, Condition::Unknown]);
            assert!(
                outcome.writes.iter().all(|(index, _)| *index != Some(1)),
                "nobody tells what nobody sees"
            );
        }
        bank.on_lost();
        assert_eq!(counts(&bank), [6, 1]);
    }

    #[test]
    fn a_plc_whose_heartbeat_stands_still_isnt_believed() {
        let mut bank = bank();
        let mut shows = |now, beat| {
            let image = image(&bank, beat, |_| true);
            conditions(&bank.step(now, &[None, None], &image))[0]
        };
        let (unknown, closed) = (Condition::Unknown, Condition::Closed);
        let told = [(0, 7), (100, 7), (200, 8), (3_200, 8), (3_201, 8), (3_300, 9)]
            .map(|(now, beat)| shows(now, beat));
        assert_eq!(told, [unknown, unknown, closed, closed, unknown, closed]);
        bank.on_lost();
        let image = image(&bank, 10, |_| true);
        assert_eq!(
            conditions(&bank.step(3_400, &[None, None], &image))[0],
            unknown,
            "found again: it must move first"
        );
    }

    #[test]
    fn the_plc_is_given_a_heartbeat() {
        let mut bank = bank();
        let mut beats = |now| {
            let image = image(&bank, 0, |_| true);
            let writes = bank.step(now, &[None, None], &image).writes;
            writes.into_iter().map(|(index, write)| (index.is_none(), write.value)).collect::<Vec<_>>()
        };
        assert_eq!([0, 999, 1_000].map(&mut beats), [vec![(true, 1)], vec![], vec![(true, 2)]]);
    }
}
