//! Class files, as far as an image depends on what is in them (JVMS §4).

/// What is read of a class file.
#[derive(Debug)]
pub(super) struct Class<'a> {
    /// The format's major version: 61 for Java 17.
    pub major: u16,
    /// Everything that is text: names of classes, descriptors, strings.
    pub texts: Vec<&'a [u8]>,
    /// What a `module-info` declares.
    pub module: Option<Module>,
}

/// What a module says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// Its name.
    pub name: String,
    /// Its main class, with dots, where it has one.
    pub main: Option<String>,
    /// The modules without which it does not start.
    pub requires: Vec<String>,
}

/// The release of Java that compiles to a format; 0 for those before there were releases of this kind.
pub(super) fn release_of(major: u16) -> u32 {
    u32::from(major.saturating_sub(44))
}

const MAGIC: u32 = 0xcafe_babe;
/// `requires static`: needed by the compiler alone.
const STATIC: u16 = 0x40;

impl<'a> Class<'a> {
    /// Reads a class file; none: it is no such file, or a damaged one.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let (major, pool) = Pool::of_class(&mut rest)?;
        let is_module = rest.u16()? & 0x8000 != 0;
        let module = if is_module { module(&mut rest, &pool) } else { None };
        let texts = pool.0.iter().filter_map(|constant| match constant {
            Constant::Text(text) => Some(*text),
            _ => None,
        });
        Some(Class { major, texts: texts.collect(), module })
    }
}

/// A constant, as far as names are behind it.
#[derive(Clone, Copy)]
pub(super) enum Constant<'a> {
    Text(&'a [u8]),
    /// A class, module or package, by the place of its name.
    Named(u16),
    /// A field or method, by the place of the class that has it.
    Member(u16),
    Other,
}

/// The constants of a class.
pub(super) struct Pool<'a>(pub Vec<Constant<'a>>);

impl<'a> Pool<'a> {
    /// Reads a class file up to the end of its constants; with the format's major version.
    pub fn of_class(rest: &mut Reader<'a>) -> Option<(u16, Self)> {
        if rest.u32()? != MAGIC {
            return None;
        }
        rest.u16()?;
        Some((rest.u16()?, Pool::read(rest)?))
    }

    fn read(rest: &mut Reader<'a>) -> Option<Self> {
        let count = usize::from(rest.u16()?);
        // Constants are counted from 1.
        let mut pool = vec![Constant::Other];
        while pool.len() < count {
            let tag = rest.u8()?;
            pool.push(match tag {
                1 => {
                    let len = rest.u16()?;
                    Constant::Text(rest.take(usize::from(len))?)
                }
                7 | 19 | 20 => Constant::Named(rest.u16()?),
                8 | 16 => rest.skip(2)?,
                15 => rest.skip(3)?,
                9..=11 => {
                    let class = rest.u16()?;
                    rest.skip(2)?;
                    Constant::Member(class)
                }
                3 | 4 | 12 | 17 | 18 => rest.skip(4)?,
                5 | 6 => rest.skip(8)?,
                _ => return None,
            });
            // A number of eight bytes takes two places.
            if matches!(tag, 5 | 6) {
                pool.push(Constant::Other);
            }
        }
        Some(Pool(pool))
    }

    fn text(&self, index: u16) -> Option<String> {
        match self.0.get(usize::from(index))? {
            Constant::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }

    /// The name of a class, module or package.
    pub fn name(&self, index: u16) -> Option<String> {
        match self.0.get(usize::from(index))? {
            Constant::Named(at) => self.text(*at),
            _ => None,
        }
    }
}

/// The attributes of a `module-info`, after its access flags.
fn module(rest: &mut Reader<'_>, pool: &Pool<'_>) -> Option<Module> {
    // It has no superclass, interfaces, fields or methods.
    rest.skip(10)?;
    let (mut module, mut main) = (None, None);
    for _ in 0..rest.u16()? {
        let name = pool.text(rest.u16()?)?;
        let len = usize::try_from(rest.u32()?).ok()?;
        let mut data = Reader(rest.take(len)?);
        match &*name {
            "ModuleMainClass" => main = Some(pool.name(data.u16()?)?.replace('/', ".")),
            "Module" => {
                let name = pool.name(data.u16()?)?;
                data.skip(4)?;
                let mut requires = vec![];
                for _ in 0..data.u16()? {
                    let (name, flags) = (pool.name(data.u16()?)?, data.u16()?);
                    data.skip(2)?;
                    if flags & STATIC == 0 {
                        requires.push(name);
                    }
                }
                module = Some(Module { name, main: None, requires });
            }
            _ => {}
        }
    }
    module.map(|module| Module { main, ..module })
}

/// What is left of a class file; its numbers are big-endian.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn skip(&mut self, len: usize) -> Option<Constant<'a>> {
        self.take(len).map(|_| Constant::Other)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}

#[cfg(test)]
pub(super) mod testing {
    /// A class file with these texts in its pool.
    pub fn class(major: u16, texts: &[&str]) -> Vec<u8> {
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0];
        bytes.extend(major.to_be_bytes());
        bytes.extend((texts.len() as u16 + 3).to_be_bytes());
        for text in texts {
            bytes.push(1);
            bytes.extend((text.len() as u16).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        // A long, which takes two places.
        bytes.push(5);
        bytes.extend([0; 8]);
        bytes.extend([0; 16]);
        bytes
    }

    /// A whole class that extends one, and calls a method of each of these.
    pub fn class_using(name: &str, parent: &str, used: &[&str]) -> Vec<u8> {
        let u16s = |numbers: &[usize]| {
            numbers.iter().flat_map(|number| (*number as u16).to_be_bytes()).collect::<Vec<u8>>()
        };
        let names: Vec<&str> = [name, parent].into_iter().chain(used.iter().copied()).collect();
        let mut pool = vec![];
        for (at, name) in names.iter().enumerate() {
            pool.extend(
                [&[1][..], &u16s(&[name.len()]), name.as_bytes(), &[7], &u16s(&[2 * at + 1])].concat(),
            );
        }
        let classes = 2 * names.len();
        for at in 2..names.len() {
            pool.extend([&[10][..], &u16s(&[2 * at + 2, 0])].concat());
        }
        let count = u16s(&[classes + used.len() + 1]);
        // A method without attributes, and an attribute of the class.
        let rest = u16s(&[0x21, 2, 4, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 2, 7]);
        [&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61][..], &count, &pool, &rest].concat()
    }

    /// A `module-info` that requires these modules, the last of them for the compiler alone.
    pub fn module_info(name: &str, main: &str, requires: &[&str]) -> Vec<u8> {
        let mut pool = vec![];
        let mut count = 1_u16;
        let mut add = |tag: u8, data: Vec<u8>| {
            pool.push(tag);
            pool.extend(data);
            count += 1;
            count - 1
        };
        let text = |text: &str, add: &mut dyn FnMut(u8, Vec<u8>) -> u16| {
            add(1, [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat())
        };
        let of_module = text("Module", &mut add);
        let of_main = text("ModuleMainClass", &mut add);
        let at = text(name, &mut add);
        let name = add(19, at.to_be_bytes().to_vec());
        let at = text(main, &mut add);
        let main = add(7, at.to_be_bytes().to_vec());
        let mut required = vec![];
        for module in requires {
            let at = text(module, &mut add);
            required.push(add(19, at.to_be_bytes().to_vec()));
        }
        let u16s =
            |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        let mut module = u16s(&[name, 0, 0, required.len() as u16]);
        for (number, index) in required.iter().enumerate() {
            let flags = if number + 1 == required.len() { 0x40 } else { 0 };
            module.extend(u16s(&[*index, flags, 0]));
        }
        module.extend([0; 8]);
        let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61];
        bytes.extend(count.to_be_bytes());
        bytes.extend(&pool);
        bytes.extend(u16s(&[0x8000, 0, 0, 0, 0, 0, 2, of_module]));
        bytes.extend((module.len() as u32).to_be_bytes());
        bytes.extend(module);
        bytes.extend(u16s(&[of_main]));
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(u16s(&[main]));
        bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{testing::*, *};

    #[test]
    fn releases_follow_from_formats() {
        for (major, release) in [(45, 1), (52, 8), (61, 17), (65, 21), (69, 25), (3, 0)] {
            assert_eq!(release_of(major), release);
        }
    }

    #[test]
    fn texts_of_a_class_are_read() {
        let bytes = class(65, &["shop/Shop", "java/net/http/HttpClient"]);
        let read = Class::read(&bytes).unwrap();
        assert_eq!(read.major, 65);
        assert_eq!(read.texts, [&b"shop/Shop"[..], b"java/net/http/HttpClient"]);
        assert!(read.module.is_none());
    }

    #[test]
    fn a_module_says_what_it_requires() {
        let bytes = module_info("shop", "shop/Main", &["java.base", "java.sql", "lombok"]);
        let module = Class::read(&bytes).unwrap().module.unwrap();
        let requires = vec!["java.base".to_owned(), "java.sql".to_owned()];
        assert_eq!(module, Module { name: "shop".into(), main: Some("shop.Main".into()), requires });
    }

    #[test]
    fn whatever_is_cut_off_is_no_class() {
        for bytes in [class(61, &["a", "b"]), module_info("shop", "shop/Main", &["java.base"])] {
            for len in 0..bytes.len() - 16 {
                let read = Class::read(&bytes[..len]);
                assert!(read.is_none_or(|class| class.module.is_none()), "{len}");
            }
        }
        assert!(Class::read(b"\xca\xfe\xba\xbe\0\0\0\x3d\xff\xff\x63").is_none());
    }
}
