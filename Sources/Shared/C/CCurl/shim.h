#pragma once

#include <curl/curl.h>
#include <dlfcn.h>
#include <stddef.h>

// libcurl is not linked but opened when it is first needed: it brings some thirty libraries along, which take several
// times as long to load as all the rest of a program that needs no network.

/// The functions of libcurl that are called.
#define CCURL_FUNCTIONS(FUNCTION) \
    FUNCTION(global_init) \
    FUNCTION(easy_init) \
    FUNCTION(easy_reset) \
    FUNCTION(easy_setopt) \
    FUNCTION(easy_getinfo) \
    FUNCTION(easy_perform) \
    FUNCTION(easy_strerror) \
    FUNCTION(easy_cleanup) \
    FUNCTION(slist_append) \
    FUNCTION(slist_free_all) \
    FUNCTION(url) \
    FUNCTION(url_set) \
    FUNCTION(url_get) \
    FUNCTION(url_strerror) \
    FUNCTION(url_cleanup) \
    FUNCTION(free)

#define CCURL_MEMBER(name) __typeof__(curl_##name) *_Nonnull name;
/// libcurl's functions, without the `curl_` in front of their names.
struct ccurl {
    CCURL_FUNCTIONS(CCURL_MEMBER)
};
#undef CCURL_MEMBER

/// Opens libcurl, of the ABI that it has had since 2006; NULL where it is not there, and `dlerror()` then says why.
/// To be called by one thread, once.
static inline const struct ccurl *_Nullable ccurl_open(void) {
    static struct ccurl curl;
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    if (library == NULL) return NULL;
#define CCURL_FIND(name) \
    void *name = dlsym(library, "curl_" #name); \
    if (name == NULL) return NULL; \
    curl.name = (__typeof__(curl.name))name;
    CCURL_FUNCTIONS(CCURL_FIND)
#undef CCURL_FIND
    return &curl;
}

// Swift cannot call the variadic curl_easy_setopt and curl_easy_getinfo: here is one function for each kind of argument.

static inline CURLcode ccurl_set_long(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, long value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, curl_off_t value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_string(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, const char *value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, const void *value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_list(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl->easy_setopt(handle, option, value);
}

/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
static inline CURLcode ccurl_set_receiver(const struct ccurl *_Nonnull curl, CURL *handle, CURLoption option, curl_write_callback value) {
    return curl->easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_progress(const struct ccurl *_Nonnull curl, CURL *handle, curl_xferinfo_callback value) {
    return curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, value);
}

static inline CURLcode ccurl_get_long(const struct ccurl *_Nonnull curl, CURL *handle, CURLINFO info, long *value) {
    return curl->easy_getinfo(handle, info, value);
}

/// HTTP and HTTPS, no other protocol. The option that takes names is as young as curl 7.85.
static inline CURLcode ccurl_allow_only_http(const struct ccurl *_Nonnull curl, CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return curl->easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/// Lets a deadline end a transfer whose name is still being resolved; before curl 7.87 it waits for the resolver.
static inline CURLcode ccurl_leave_slow_resolver(const struct ccurl *_Nonnull curl, CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075700
    return curl->easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)curl;
    (void)handle;
    return CURLE_OK;
#endif
}
