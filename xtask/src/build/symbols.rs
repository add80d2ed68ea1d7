//! The names of the hypervisor's functions, for its own backtraces: a table that is loaded behind the image. Its format and
//! the variable that says how long it is are described in `hypervisor/src/symbols.rs`.

use anyhow::{Context, Result, ensure};
use object::elf::{SHF_EXECINSTR, STT_FUNC, STT_NOTYPE};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolFlags};

/// The variable that gets the table's size.
const SIZE: &str = "SYMBOL_TABLE";
/// Where the image is linked (`hypervisor/link.ld`), from which on offsets are counted.
const IMAGE: u64 = 0xffff_82d0_4000_0000;

/// Makes the table of a linked hypervisor and writes its size into the hypervisor's variable.
///
/// # Errors
/// When the file is no ELF file or does not have the variable.
pub fn embed(elf: &mut [u8]) -> Result<Vec<u8>> {
    let (table, place) = {
        let file = object::File::parse(&*elf).context("the linked hypervisor")?;
        (write(&functions(&file))?, place(&file)?)
    };
    let size = u64::try_from(table.len())?.to_le_bytes();
    let slot = elf.get_mut(place..place + size.len()).context("the file ends before its sections do")?;
    slot.copy_from_slice(&size);
    Ok(table)
}

/// Where in the file the variable is.
fn place(file: &object::File<'_>) -> Result<usize> {
    let symbol = file.symbols().find(|s| s.name() == Ok(SIZE)).context("there is no symbol SYMBOL_TABLE")?;
    let section = file.section_by_index(symbol.section_index().context("SYMBOL_TABLE has no section")?)?;
    let (offset, _) = section.file_range().context("SYMBOL_TABLE is in a section without contents")?;
    ensure!(symbol.size() == 8, "SYMBOL_TABLE is not a u64");
    Ok(usize::try_from(offset + (symbol.address() - section.address()))?)
}

/// Offset and name of every function, in order.
fn functions(file: &object::File<'_>) -> Vec<(u32, String)> {
    let executable = |s: &object::Symbol<'_, '_>| {
        let section = s.section_index().and_then(|i| file.section_by_index(i).ok());
        matches!(section.map(|s| s.flags()), Some(SectionFlags::Elf { sh_flags }) if sh_flags & u64::from(SHF_EXECINSTR) != 0)
    };
    let code = |s: &object::Symbol<'_, '_>| matches!(s.flags(), SymbolFlags::Elf { st_info, .. } if [STT_FUNC, STT_NOTYPE].contains(&(st_info & 0xf)));
    let mut all: Vec<(u32, String)> = file
        .symbols()
        .filter(|s| code(s) && executable(s))
        .filter_map(|s| {
            let offset = u32::try_from(s.address().checked_sub(IMAGE)?).ok()?;
            let name = s.name().ok().filter(|n| !n.is_empty())?;
            Some((offset, format!("{:#}", rustc_demangle::demangle(name))))
        })
        .collect();
    all.sort();
    all.dedup_by_key(|f| f.0);
    all
}

fn write(functions: &[(u32, String)]) -> Result<Vec<u8>> {
    let mut table = u32::try_from(functions.len())?.to_le_bytes().to_vec();
    let mut names = Vec::new();
    let first_name = table.len() + functions.len() * 8;
    for (offset, name) in functions {
        table.extend_from_slice(&offset.to_le_bytes());
        table.extend_from_slice(&u32::try_from(first_name + names.len())?.to_le_bytes());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    table.append(&mut names);
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_entries() {
        let table = write(&[(0x10, "a".into()), (0x200, "b::c".into())]).unwrap();
        let words: Vec<u32> =
            table[..20].chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        assert_eq!(words, [2, 0x10, 20, 0x200, 22]);
        assert_eq!(&table[20..], b"a\0b::c\0");
    }

    #[test]
    fn a_file_without_the_variable_is_refused() {
        assert!(embed(&mut [0; 64]).is_err());
    }
}
