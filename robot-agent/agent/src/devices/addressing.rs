//! How a file's addresses become places, and its inline tables points: `{ discrete = 3 }`, `{ input = 7, bit = 2 }`.

use super::registers::{Place, Point, Table, Test};
use crate::findings::{Findings, Section};

const EXAMPLE: &str = "{ discrete = 0 }";

/// What holds where a place names nothing itself.
#[derive(Clone, Copy, Debug)]
pub struct Addressing {
    /// Unit id.
    pub unit: u8,
    /// The first address in the file's way of counting: 0, or 1 as in many a PLC's manual.
    pub from: u16,
}

impl Addressing {
    /// A place in the table whose key stands there.
    pub fn place(
        self,
        section: &mut Section<'_>,
        findings: &mut Findings,
        key: &'static str,
        table: Table,
    ) -> Place {
        let (first, last) = (u32::from(self.from), u32::from(self.from) + 65_535);
        let address = section.number(findings, key, first..=last, first);
        Place { unit: self.unit, table, address: (address - first) as u16 }
    }

    /// A place in whichever of these tables is named.
    pub fn any(self, section: &mut Section<'_>, findings: &mut Findings, tables: &[Table]) -> Option<Place> {
        let named: Vec<Table> = tables.iter().copied().filter(|table| section.has(table.key())).collect();
        if let [table] = named[..] {
            return Some(self.place(section, findings, table.key(), table));
        }
        let keys: Vec<&str> = tables.iter().map(|table| table.key()).collect();
        let keys = keys.join(", ");
        findings.add(&section.path, format!("{} tables", named.len()), format!("name one of {keys}"));
        for table in named {
            self.place(section, findings, table.key(), table);
        }
        None
    }

    /// An input that must be there.
    pub fn point(
        self,
        section: &mut Section<'_>,
        findings: &mut Findings,
        key: &'static str,
    ) -> Option<Point> {
        if !section.has(key) {
            findings.add(section.key(key), "nothing", format!("is missing; write {key} = {EXAMPLE}"));
        }
        self.optional(section, findings, key)
    }

    /// An input that may be there.
    pub fn optional(
        self,
        section: &mut Section<'_>,
        findings: &mut Findings,
        key: &'static str,
    ) -> Option<Point> {
        let mut own = section.section(findings, key, EXAMPLE)?;
        let place = self.any(&mut own, findings, &Table::ALL);
        let is_double = own.number(findings, "words", 1..=2, 1) == 2;
        let is_high_first = own.choice(findings, "word_order", &["high-first", "low-first"]) == "high-first";
        let is_inverted = own.flag(findings, "invert", false);
        let bits = if is_double { 31 } else { 15 };
        let test = match (own.has("bit"), own.has("equals")) {
            (false, false) => Test::NotZero,
            (true, false) => Test::Bit(own.number(findings, "bit", 0..=bits, 0) as u8),
            (false, true) => {
                let most = if is_double { u32::MAX } else { u32::from(u16::MAX) };
                Test::Equals(own.number(findings, "equals", 0..=most, 0))
            }
            (true, true) => {
                findings.add(&own.path, "bit and equals", "write one of the two");
                own.number(findings, "bit", 0..=bits, 0);
                Test::Equals(own.number(findings, "equals", 0..=u32::MAX, 0))
            }
        };
        if let Some(place) = place {
            let is_of_words = is_double || test != Test::NotZero;
            if place.table.is_of_bits() && is_of_words {
                let mend = "a coil or discrete input is one bit; leave words, bit and equals out";
                findings.add(own.key(place.table.key()), place.address, mend);
            }
            if is_double && place.address == u16::MAX {
                findings.add(own.key(place.table.key()), place.address, "has no second word behind it");
            }
        }
        own.end(findings);
        Some(Point { place: place?, is_double, is_high_first, test, is_inverted })
    }
}
