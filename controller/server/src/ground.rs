//! The layout of the site's files: read again whenever somebody asks, and when this process begins to lead.

use std::path::PathBuf;
use std::sync::Arc;

use drover_maps::Layout;

use crate::config::Config;
use crate::map::{self, LayoutError};
use crate::store::LayoutSource;

/// Where the layout stands.
#[derive(Clone, Debug)]
pub struct Files {
    /// The LIF file.
    layout: PathBuf,
    /// Its `site.toml`, if there is one.
    site: Option<PathBuf>,
}

impl Files {
    /// As configured.
    pub fn of(config: &Config) -> Files {
        Files { layout: config.layout.clone(), site: config.site_file.clone() }
    }

    /// At these paths.
    pub fn at(layout: PathBuf, site: Option<PathBuf>) -> Files {
        Files { layout, site }
    }

    /// Reads, compiles and judges them.
    ///
    /// # Errors
    /// [`LayoutError`]: a file can't be read, or the layout can't be used; with every error that was found.
    pub fn read(&self) -> Result<(Arc<Layout>, LayoutSource), LayoutError> {
        let (lif, site) = map::read(&self.layout, self.site.as_deref())?;
        let compiled = map::compile(&self.layout, &lif, site.as_deref())?;
        let layout = map::usable(compiled)?;
        let source = LayoutSource { fingerprint: layout.fingerprint(), lif, site };
        Ok((Arc::new(layout), source))
    }
}

/// The layout of a source that was kept; none if this version makes another one of it.
pub fn compiled(source: &LayoutSource) -> Option<Arc<Layout>> {
    let compiled = drover_maps::compile(&source.lif, source.site.as_deref()).ok()?;
    (compiled.layout.fingerprint() == source.fingerprint).then(|| Arc::new(compiled.layout))
}
