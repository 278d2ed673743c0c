//! Rewrites the committed files of `maps/sites/fresh-dc`: `cargo run -p drover-maps --example draw_fresh_dc`.

use std::error::Error;
use std::fs;
use std::path::Path;

use drover_maps::{compile, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sites/fresh-dc");
    let drawing = generate::fresh_dc();
    let compiled = compile(drawing.lif.as_bytes(), Some(&drawing.site))?;
    for finding in &compiled.findings {
        println!("{finding}");
    }
    let layout = &compiled.layout;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("layout.lif.json"), &drawing.lif)?;
    fs::write(folder.join("site.toml"), &drawing.site)?;
    println!("{} nodes, {} edges written to {}", layout.node_count(), layout.edge_count(), folder.display());
    Ok(())
}
