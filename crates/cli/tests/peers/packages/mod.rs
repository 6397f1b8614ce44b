//! Programs taken wholly from packages of a distribution do real work. What each of them is and does is data:
//! `testdata/packaged`, whose page says what the keys mean.

mod case;
mod sizes;

use std::collections::BTreeSet;

use case::{Built, Case, PLACES, names};

use crate::runtime::{Runtime, Work};
use crate::workshop::{Workshop, assert_has, at_hand, is_long, skipped};

/// A test for each file of `testdata/packaged`.
macro_rules! programs {
    ($($test:ident is $file:literal)+) => {
        $(#[test]
        fn $test() {
            works($file);
        })+

        #[test]
        fn every_case_has_a_test() {
            assert_eq!(names().into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([$($file.to_owned()),+]));
        }
    };
}

programs! {
    apache2 is "apache2"
    curl is "curl"
    ffmpeg is "ffmpeg"
    git is "git"
    imagemagick is "imagemagick"
    nginx is "nginx"
    openssh_client is "openssh-client"
    perl is "perl"
    php is "php"
    postgresql is "postgresql"
    python3 is "python3"
    redis is "redis"
    sqlite3 is "sqlite3"
}

fn works(name: &str) {
    if !at_hand(&["docker", "gcc"]) {
        return;
    }
    let case = Case::read(name);
    for place in PLACES.iter().filter(|place| is_long() || case.often.contains(&place.name())) {
        if !place.runs_here() {
            skipped("no emulator of this architecture is registered");
            continue;
        }
        let workshop = Workshop::new();
        let image = match case.image(&workshop, place) {
            Built::Image(image) => image,
            Built::NoMirror(why) => {
                skipped(&why);
                continue;
            }
        };
        let steps: Vec<Vec<String>> = case.steps(place);
        let steps: Vec<Vec<&str>> =
            steps.iter().map(|step| step.iter().map(String::as_str).collect()).collect();
        let steps: Vec<&[&str]> = steps.iter().map(Vec::as_slice).collect();
        let volumes: Vec<&str> = case.volumes.iter().map(String::as_str).collect();
        let work = Work { steps: &steps, volumes: &volumes, ..Work::default() };
        let said = Runtime::Docker.run(&workshop, &image, &work);
        let expected: Vec<&str> = case.expected.iter().map(String::as_str).collect();
        assert_has(&said, &expected);
        println!("{name} works on {}", place.name());
    }
}
