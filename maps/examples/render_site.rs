//! Draws a layout: `cargo run -p drover-maps --example render_site -- LAYOUT.lif.json [SITE.toml] OUT.svg|OUT.png`.

use std::error::Error;
use std::{env, fs};

use drover_maps::{compile, render};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (Some(layout), Some(out)) = (arguments.first(), arguments.last().filter(|_| arguments.len() > 1))
    else {
        return Err("usage: render_site LAYOUT.lif.json [SITE.toml] OUT.svg|OUT.png".into());
    };
    let site = if arguments.len() > 2 { Some(fs::read_to_string(&arguments[1])?) } else { None };
    let compiled = compile(&fs::read(layout)?, site.as_deref())?;
    for finding in &compiled.findings {
        println!("{finding}");
    }
    let options = render::Options { title: layout.clone(), width_px: 2_400, ..render::Options::default() };
    if out.ends_with(".png") {
        fs::write(out, render::png(&compiled.layout, &options)?)?;
    } else {
        fs::write(out, render::svg(&compiled.layout, &options))?;
    }
    Ok(())
}
