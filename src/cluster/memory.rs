//! Memory that is given back to the system.

/// Blocks from this size on are mapped and unmapped by themselves, bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 1 << 20;

/// Has the allocator give large blocks back as soon as they are free. Call it before other threads exist.
///
/// A password check takes 19 MiB for a moment. By default glibc notices such sizes and keeps what was freed, and up to 2.37 it
/// cannot even use aligned blocks again (bug 14581): 11 logins left 350 MB behind. Other C libraries need nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library offers no other way")]
pub fn give_back_large_blocks() {
    // SAFETY: it sets two numbers of the allocator, under the allocator's own lock, and takes no pointer.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
    }
}

/// Has the allocator give large blocks back as soon as they are free. Call it before other threads exist.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back_large_blocks() {}
