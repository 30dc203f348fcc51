#pragma once

#include <dlfcn.h>
#include <stddef.h>

// zlib is not linked but opened when the first compressed log is read; every Debian has it, for dpkg needs it. Its
// header is not needed either: this is the part of its interface, unchanged since 1.2, that is used.

/// zlib's z_stream.
struct czlib_stream {
    const unsigned char *_Nullable next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *_Nullable next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *_Nullable msg;
    void *_Nullable state;
    void *_Nullable zalloc;
    void *_Nullable zfree;
    void *_Nullable opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
};

enum {
    CZLIB_OK = 0,
    CZLIB_STREAM_END = 1,
    CZLIB_BUF_ERROR = -5,
    /// The largest window, and the header and trailer of gzip.
    CZLIB_GZIP_WINDOW = 15 + 16
};

/// The functions that are called.
struct czlib {
    int (*_Nonnull inflateInit2_)(struct czlib_stream *_Nonnull, int, const char *_Nonnull, int);
    int (*_Nonnull inflate)(struct czlib_stream *_Nonnull, int);
    int (*_Nonnull inflateReset)(struct czlib_stream *_Nonnull);
    int (*_Nonnull inflateEnd)(struct czlib_stream *_Nonnull);
};

/// Opens zlib; NULL where it is not there. To be called by one thread, once.
static inline const struct czlib *_Nullable czlib_open(void) {
    static struct czlib zlib;
    void *library = dlopen("libz.so.1", RTLD_NOW);
    if (library == NULL) return NULL;
#define CZLIB_FIND(name) \
    void *name = dlsym(library, #name); \
    if (name == NULL) return NULL; \
    zlib.name = (__typeof__(zlib.name))name;
    CZLIB_FIND(inflateInit2_)
    CZLIB_FIND(inflate)
    CZLIB_FIND(inflateReset)
    CZLIB_FIND(inflateEnd)
#undef CZLIB_FIND
    return &zlib;
}

/// Begins to decompress gzip; zlib compares the first digit of the version alone.
static inline int czlib_begin(const struct czlib *_Nonnull zlib, struct czlib_stream *_Nonnull stream) {
    return zlib->inflateInit2_(stream, CZLIB_GZIP_WINDOW, "1.2.11", (int)sizeof(*stream));
}
