//! `bantam compare`: images side by side.

use crate::{
    args::{Compare, Global},
    show::{
        self,
        chart::{self, Format},
        compare,
    },
};
use bantam::Error;
use std::process::ExitCode;
use store::Reference;

/// More are no picture.
const MOST: usize = 64;

pub fn run(args: &Compare, global: &Global) -> Result<ExitCode, Error> {
    if args.images.len() > MOST {
        let message = format!("{MOST} images are compared at most, and here are {}", args.images.len());
        return Err(Error::Usage(message));
    }
    let references = args.images.iter().map(|text| text.parse()).collect::<Result<Vec<Reference>, _>>()?;
    let mut charts = vec![];
    for file in &args.output {
        let Some(format) = Format::of(file) else {
            let message = format!("-o {}: a chart is a .svg, .html or .png file", file.display());
            return Err(Error::Usage(message));
        };
        charts.push((file, format));
    }
    let platform = super::images::platform(global)?;
    let session = global.session(global.locking());
    let images = bantam::compare(&references, platform.as_ref(), &session)?;
    let columns = compare::columns(&images);
    for (file, format) in charts {
        bantam::files::write(file, &chart::draw(&columns, args.by, format))?;
    }
    Ok(show::stdout(&match args.json {
        true => format!("{:#}\n", compare::document(&columns)),
        false => compare::table(&columns),
    }))
}
