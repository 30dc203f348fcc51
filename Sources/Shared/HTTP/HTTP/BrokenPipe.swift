import Glibc

/// Runs `body` so that a connection closed by the other side cannot end the process.
///
/// OpenSSL writes to sockets without MSG_NOSIGNAL, and a library does not know what its program does with SIGPIPE. So the signal is held back in this thread only, and one that `body`
/// caused is taken off before the old mask returns.
func withoutBrokenPipeSignal<Result>(_ body: () -> Result) -> Result {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    var pending = sigset_t()
    unsafe sigemptyset(&brokenPipe)
    unsafe sigaddset(&brokenPipe, SIGPIPE)
    unsafe sigpending(&pending)
    let wasPending = unsafe sigismember(&pending, SIGPIPE) == 1
    unsafe pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer {
        if !wasPending {
            var now = timespec()
            while unsafe sigtimedwait(&brokenPipe, nil, &now) == -1, errno == EINTR {}
        }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
    return body()
}
