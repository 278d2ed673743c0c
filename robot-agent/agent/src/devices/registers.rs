//! Places in a Modbus device: which unit, table and address; what a place says; and how few requests read many places.
//!
//! Nothing here speaks to anybody. An [`Image`] is what was read in one poll, or what a simulated PLC holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One of the four tables of a Modbus device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bits that are read and written.
    Coil,
    /// Bits that are only read.
    Discrete,
    /// Words that are read and written.
    Holding,
    /// Words that are only read.
    Input,
}

impl Table {
    /// All of them, by the key that names them in a file.
    pub const ALL: [Self; 4] = [Self::Coil, Self::Discrete, Self::Holding, Self::Input];

    /// The key in a file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Coil => "coil",
            Self::Discrete => "discrete",
            Self::Holding => "holding",
            Self::Input => "input",
        }
    }

    /// It holds bits, not words.
    pub fn is_of_bits(self) -> bool {
        match self {
            Self::Coil | Self::Discrete => true,
            Self::Holding | Self::Input => false,
        }
    }

    /// Most places one request may read (Modbus Application Protocol 1.1b3, 6.1 to 6.4).
    fn read_max(self) -> u16 {
        if self.is_of_bits() { 2_000 } else { 125 }
    }
}

/// One bit or word of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Unit id: the device behind a gateway.
    pub unit: u8,
    /// Table.
    pub table: Table,
    /// Address on the wire, from 0.
    pub address: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of unit {}", self.table.key(), self.address, self.unit)
    }
}

/// Values by place; a bit is 0 or 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(BTreeMap<Place, u16>);

impl Image {
    /// The value, if it was read.
    pub fn get(&self, place: Place) -> Option<u16> {
        self.0.get(&place).copied()
    }

    /// Puts a value in.
    pub fn set(&mut self, place: Place, value: u16) {
        self.0.insert(place, value);
    }

    /// Forgets a place.
    pub fn forget(&mut self, place: Place) {
        self.0.remove(&place);
    }
}

/// A value to be written to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// A coil or a holding register.
    pub place: Place,
    /// What; for a coil 0 or 1.
    pub value: u16,
}

/// How a point's words say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Anything but 0.
    NotZero,
    /// This bit is set, 0 = the lowest.
    Bit(u8),
    /// Exactly this value.
    Equals(u32),
}

/// A yes or no that a device says at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where; of two words the one with the lower address.
    pub place: Place,
    /// Two words instead of one.
    pub is_double: bool,
    /// Of two words the lower address holds the high one.
    pub is_high_first: bool,
    /// What is yes.
    pub test: Test,
    /// Yes means no.
    pub is_inverted: bool,
}

impl Point {
    /// The places it is made of.
    pub fn places(self) -> impl Iterator<Item = Place> {
        let second = Place { address: self.place.address.saturating_add(1), ..self.place };
        std::iter::once(self.place).chain(self.is_double.then_some(second))
    }

    /// What it says; none = not read.
    pub fn read(self, image: &Image) -> Option<bool> {
        let value = self.value(image)?;
        let is_set = match self.test {
            Test::NotZero => value != 0,
            Test::Bit(bit) => value >> bit & 1 == 1,
            Test::Equals(wanted) => value == wanted,
        };
        Some(is_set != self.is_inverted)
    }

    /// Makes it say this. Other points may share its words: only what must change does.
    pub fn write(self, image: &mut Image, says: bool) {
        if self.read(image) == Some(says) {
            return;
        }
        let is_set = says != self.is_inverted;
        let value = self.value(image).unwrap_or(0);
        let value = match self.test {
            Test::NotZero => u32::from(is_set),
            Test::Bit(bit) if is_set => value | 1 << bit,
            Test::Bit(bit) => value & !(1 << bit),
            Test::Equals(wanted) if is_set => wanted,
            Test::Equals(wanted) => u32::from(wanted == 0),
        };
        let (high, low) = ((value >> 16) as u16, value as u16);
        let words = if self.is_high_first { [high, low] } else { [low, high] };
        let words = if self.is_double { words } else { [low, 0] };
        for (place, word) in self.places().zip(words) {
            image.set(place, word);
        }
    }

    fn value(self, image: &Image) -> Option<u32> {
        let mut words = [0_u32; 2];
        for (slot, place) in words.iter_mut().zip(self.places()) {
            *slot = u32::from(image.get(place)?);
        }
        let [first, second] = words;
        Some(match (self.is_double, self.is_high_first) {
            (false, _) => first,
            (true, true) => first << 16 | second,
            (true, false) => second << 16 | first,
        })
    }
}

/// What one request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first place.
    pub first: Place,
    /// How many, at least 1.
    pub count: u16,
}

impl Block {
    /// All places it reads.
    pub fn places(self) -> impl Iterator<Item = Place> {
        (0..self.count).map(move |step| Place { address: self.first.address + step, ..self.first })
    }

    /// It reads this place.
    pub fn holds(self, place: Place) -> bool {
        let (first, count) = (self.first, u32::from(self.count));
        place.unit == first.unit
            && place.table == first.table
            && (u32::from(first.address)..u32::from(first.address) + count).contains(&place.address.into())
    }
}

/// The fewest requests that read these places, reading along at most `gap_max` unwanted ones between two wanted.
pub fn blocks(places: &BTreeSet<Place>, gap_max: u16) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for place in places {
        if let Some(block) = blocks.last_mut() {
            let is_same = block.first.unit == place.unit && block.first.table == place.table;
            let count = u32::from(place.address).saturating_sub(block.first.address.into()) + 1;
            let gap = count.saturating_sub(u32::from(block.count) + 1);
            if is_same && count <= place.table.read_max().into() && gap <= gap_max.into() {
                block.count = count as u16;
                continue;
            }
        }
        blocks.push(Block { first: *place, count: 1 });
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(table: Table, address: u16) -> Place {
        Place { unit: 1, table, address }
    }

    fn point(test: Test) -> Point {
        let place = place(Table::Holding, 10);
        Point { place, is_double: false, is_high_first: true, test, is_inverted: false }
    }

    #[test]
    fn few_blocks_read_many_places() {
        let at = |table, all: &[u16]| all.iter().map(|address| place(table, *address)).collect::<Vec<_>>();
        let mut places: BTreeSet<Place> = at(Table::Discrete, &[0, 1, 2, 10, 40]).into_iter().collect();
        places.extend(at(Table::Input, &[0, 124, 125, 65_535]));
        places.insert(Place { unit: 2, ..place(Table::Discrete, 3) });
        let counts = |gap| {
            let blocks = blocks(&places, gap);
            assert!(places.iter().all(|place| blocks.iter().any(|block| block.holds(*place))));
            blocks.iter().map(|block| (block.first.address, block.count)).collect::<Vec<_>>()
        };
        assert_eq!(
            counts(0),
            [(0, 3), (10, 1), (40, 1), (0, 1), (124, 2), (65_535, 1), (3, 1)],
            "neighbours only"
        );
        assert_eq!(counts(7)[..2], [(0, 11), (40, 1)]);
        assert_eq!(counts(200), [(0, 41), (0, 125), (125, 1), (65_535, 1), (3, 1)], "125 words at most");
    }

    #[test]
    fn a_point_says_what_was_written_to_it() {
        let tests = [Test::NotZero, Test::Bit(0), Test::Bit(15), Test::Equals(7), Test::Equals(0)];
        for test in tests {
            for is_inverted in [false, true] {
                let point = Point { is_inverted, ..point(test) };
                let mut image = Image::default();
                assert_eq!(point.read(&image), None);
                for says in [true, false, false, true] {
                    point.write(&mut image, says);
                    assert_eq!(point.read(&image), Some(says), "{test:?}");
                }
            }
        }
    }

    #[test]
    fn two_words_are_put_together_in_the_order_asked_for() {
        for (is_high_first, words) in [(true, [0x0001, 0x0002]), (false, [0x0002, 0x0001])] {
            let point = Point { is_double: true, is_high_first, ..point(Test::Equals(0x0001_0002)) };
            let mut image = Image::default();
            point.write(&mut image, true);
            assert_eq!(point.places().map(|place| image.get(place)).collect::<Vec<_>>(), words.map(Some));
            assert_eq!(point.read(&image), Some(true));
        }
    }
}
