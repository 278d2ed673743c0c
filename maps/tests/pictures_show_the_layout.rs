//! Pictures: the same bytes every time, well-formed, with every place and the heat in them.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

use drover_maps::{Layout, compile, generate, render};

fn fresh_dc() -> Layout {
    let drawing = generate::fresh_dc();
    compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap().layout
}

#[test]
fn svg_names_stations_zones_legend_and_scale() {
    let options =
        render::Options { title: "신선 물류센터 <A&B>".to_owned(), ..render::Options::default() };
    let svg = render::svg(&fresh_dc(), &options);
    for word in ["PICK-F-01", "DOCK-12", "freezer (frozen)", "charger (12)", "20 m", "Noto Sans KR"] {
        assert!(svg.contains(word), "{word}");
    }
    assert!(svg.contains("신선 물류센터 &lt;A&amp;B&gt;"));
    assert_eq!(svg, render::svg(&fresh_dc(), &options));
}

#[test]
fn heat_colours_the_busy_and_leaves_the_rest() {
    let layout = fresh_dc();
    let plain = render::svg(&layout, &render::Options::default());
    let heat = render::Heat { edges: vec![1.0, f32::NAN, 0.0, 7.0], nodes: vec![0.5] };
    let hot = render::svg(&layout, &render::Options { heat: Some(heat), ..render::Options::default() });
    // Two edges, one node, and two lines with two signs in the legend.
    assert_eq!(hot.lines().count(), plain.lines().count() + 3 + 4);
}

#[test]
fn png_is_painted_at_the_width_asked_for() {
    let options = render::Options { width_px: 800, ..render::Options::default() };
    let png = render::png(&fresh_dc(), &options).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(u32::from_be_bytes([png[16], png[17], png[18], png[19]]), 800);
}

#[test]
fn picture_too_large_to_paint_is_refused() {
    let tall = r#"{"layouts":[{"layoutId":"L","nodes":[
        {"nodeId":"a","nodePosition":{"x":0,"y":0}},{"nodeId":"b","nodePosition":{"x":0,"y":90000}}]}]}"#;
    let layout = compile(tall.as_bytes(), None).unwrap().layout;
    assert!(matches!(render::png(&layout, &render::Options::default()), Err(render::Error::TooLarge { .. })));
    assert!(render::svg(&layout, &render::Options::default()).ends_with("</svg>\n"));
}
