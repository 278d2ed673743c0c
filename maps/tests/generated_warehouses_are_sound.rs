//! The block warehouse: whatever the numbers, it is connected and without findings, or the number is refused by name.

use drover_maps::generate::Warehouse;
use drover_maps::{Temperature, compile};
use proptest::prelude::*;

fn warehouse() -> impl Strategy<Value = Warehouse> {
    let counts = (1..8_u32, 1..8_u32, 2..5_u32, 0..6_u32, 0..30_u32);
    (counts, 0..6_u32, 0..30_u32, 8_000..14_000_u32, 2_000..4_000_u32, any::<bool>(), 0..3_usize).prop_map(
        |(
            (aisles, bays, cross_aisles, docks, pick_stations),
            chargers,
            parking,
            wide,
            step,
            one_way,
            zones,
        )| {
            let kinds = [("cold", Temperature::Chilled), ("warm", Temperature::Ambient)];
            Warehouse {
                aisles,
                bays,
                cross_aisles,
                aisle_spacing_mm: wide / 100 * 100,
                bay_spacing_mm: step / 100 * 100,
                docks,
                pick_stations,
                chargers,
                parking,
                one_way_aisles: one_way,
                zones: kinds.into_iter().take(zones).map(|(name, t)| (name.to_owned(), t)).collect(),
                ..Warehouse::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drawing_has_no_errors_or_its_parameter_is_refused(warehouse in warehouse()) {
        let drawn = warehouse.draw();
        if let Err(refusal) = &drawn {
            prop_assert!(refusal.wanted > refusal.max || refusal.wanted < refusal.min, "{refusal}");
            return Ok(());
        }
        let drawing = drawn.unwrap();
        let compiled = compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap();
        let mut findings = compiled.findings;
        // Wanting no station or charger is a warning about the wish, not about the drawing.
        findings.retain(|finding| !["NO_STATIONS", "NO_CHARGERS", "NO_HOLDING_NODES"].contains(&finding.code));
        prop_assert_eq!(findings, []);
        let layout = compiled.layout;
        prop_assert_eq!(layout.stations().len() as u32, warehouse.docks + warehouse.pick_stations);
        prop_assert_eq!(layout.chargers().len() as u32, warehouse.chargers);
        prop_assert_eq!(layout.parking().len() as u32, warehouse.parking);
    }
}

#[test]
fn too_many_docks_are_refused_with_the_number_that_fits() {
    let refusal = Warehouse { docks: 1_000, ..Warehouse::default() }.draw().unwrap_err();
    assert_eq!((refusal.what, refusal.wanted), ("docks", 1_000));
    assert!(Warehouse { docks: refusal.max as u32, ..Warehouse::default() }.draw().is_ok());
}

#[test]
fn one_way_aisles_alternate() {
    let drawing = Warehouse::default().draw().unwrap();
    let layout = compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap().layout;
    let mut headings = vec![];
    for aisle in 1..=6 {
        let x_mm = 5_000 + aisle * 9_000;
        let edge = layout.edges().find(|edge| {
            let edge = layout.edge(*edge);
            layout.node(edge.from).x_mm == x_mm && layout.node(edge.to).x_mm == x_mm
        });
        headings.push(layout.edge(edge.unwrap()).heading_mdeg);
    }
    assert_eq!(headings, [90_000, -90_000, 90_000, -90_000, 90_000, -90_000]);
}

#[test]
fn names_of_any_letters_are_written_so_that_they_are_read_again() {
    let zone = "a\"b\n냉장 \\".to_owned();
    let zones = vec![(zone.clone(), Temperature::Chilled)];
    let drawing = Warehouse { name: "x\n[y] \"".to_owned(), zones, ..Warehouse::default() }.draw().unwrap();
    let layout = compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap().layout;
    assert_eq!(layout.zones()[0].name, zone);
}
