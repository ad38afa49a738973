/* The client of the fan-out measurements: many subscribers and one publisher in one epoll loop.
 *
 * Options are key=value arguments (client.py names them all). It then obeys lines on its standard
 * input, and answers each with one line of JSON:
 *
 *   connect           open all connections, a bounded number at a time
 *   warm              publish until every subscriber has got the newest message
 *   closed W SECONDS  keep W rounds outstanding
 *   paced RATE SECONDS
 *   observe SECONDS   publish nothing; compare with the times in the file `stamps`
 *   idle SECONDS      answer pings
 *   cut               close all subscribers at once
 *
 * A round is one message to each room, so that every subscriber gets one copy of it. Messages carry
 * the number of their round behind `marker`; each subscriber checks that numbers rise by one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRESH, CONNECTING, HANDSHAKE, HELLO, OPEN, GONE };
enum { WARM, RUN };

#define RING (1 << 16)
#define IN_FLIGHT 64
#define READ_BYTES (1 << 20)
#define FINE 100000 /* buckets of 10 us, then as many of 1 ms */
#define STALL_NS 3000000000LL
#define SAID 300

typedef struct {
    int fd, state, room, is_publisher;
    uint32_t last;
    char *rest;
    size_t rest_len;
    char *part; /* of a message in several frames */
    size_t part_len;
    char *out;
    size_t out_len, out_at, out_room;
} conn;

static const char *o_host = "127.0.0.1", *o_stream = "ws", *o_path = "/", *o_header = "";
static const char *o_hello = "", *o_after = "", *o_join = "", *o_marker = "\"seq\":";
static const char *o_publish = "ws", *o_publish_path = "/", *o_publish_header = "";
static const char *o_publish_hello = "", *o_publish_after = "", *o_message = "", *o_stamps = "";
static const char *o_room = "room-%05d";
static int o_port = 0, o_subscribers = 1, o_rooms = 1;

static conn *subscribers, publisher;
static int poller, live, in_flight, opened, failed, dropped, phase, warm_left, close_code;
static uint32_t sent, completed;
static int64_t sent_at[RING], last_receipt;
static int left[RING];
static int64_t deliveries, lost, doubled, bytes_in;
static int64_t fine[FINE], coarse[FINE], worst;
static char said[SAID + 1];
static char *input;
static volatile int64_t *stamps;
static size_t stamp_count;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* `template` with {room} and {seq} filled in; the length. */
static size_t fill(char *to, size_t size, const char *template, int room, uint32_t seq) {
    size_t n = 0;
    char name[128], number[16];
    snprintf(name, sizeof name, o_room, room);
    snprintf(number, sizeof number, "%u", seq);
    for (const char *p = template; *p && n + 128 < size;) {
        if (!strncmp(p, "{room}", 6)) {
            n += (size_t)sprintf(to + n, "%s", name);
            p += 6;
        } else if (!strncmp(p, "{seq}", 5)) {
            n += (size_t)sprintf(to + n, "%s", number);
            p += 5;
        } else {
            to[n++] = *p++;
        }
    }
    to[n] = 0;
    return n;
}

static void flush_out(conn *c) {
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
        if (n <= 0) return;
        c->out_at += (size_t)n;
    }
    c->out_at = c->out_len = 0;
}

static void put(conn *c, const void *data, size_t size) {
    if (c->out_len + size > c->out_room) {
        c->out_room = (c->out_len + size) * 2;
        c->out = realloc(c->out, c->out_room);
    }
    memcpy(c->out + c->out_len, data, size);
    c->out_len += size;
}

/* A client's frame; the mask is zero, which leaves the payload as it is. */
static void put_frame(conn *c, int opcode, const char *payload, size_t size) {
    unsigned char head[14] = {(unsigned char)(0x80 | opcode)};
    size_t n = 2;
    if (size < 126) {
        head[1] = (unsigned char)(0x80 | size);
    } else {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(size >> 8);
        head[3] = (unsigned char)size;
        n = 4;
    }
    memset(head + n, 0, 4);
    put(c, head, n + 4);
    put(c, payload, size);
}

static void send_text(conn *c, const char *template) {
    char text[4096];
    size_t size = fill(text, sizeof text, template, c->room, 0);
    if (size) put_frame(c, 1, text, size);
    flush_out(c);
}

static void put_request(conn *c) {
    int is_ws = !strcmp(c->is_publisher ? o_publish : o_stream, "ws");
    char path[1024], request[8192];
    fill(path, sizeof path, c->is_publisher ? o_publish_path : o_path, c->room, 0);
    const char *upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const char *accept = "Accept: text/event-stream\r\n";
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s\r\n", path,
                     o_host, o_port, is_ws ? upgrade : accept,
                     c->is_publisher ? o_publish_header : o_header);
    put(c, request, (size_t)n);
    flush_out(c);
}

static void open_connection(conn *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o_port)};
    int on = 1;
    inet_pton(AF_INET, o_host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect");
    struct epoll_event wanted = {.events = EPOLLOUT | EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &wanted)) die("epoll_ctl");
    c->state = CONNECTING;
    in_flight++;
}

static void mark(conn *c) {
    c->state = OPEN;
    in_flight--;
    if (!c->is_publisher) {
        opened++;
        live++;
    }
}

static void advance(void) {
    while (completed < sent && left[(completed + 1) % RING] <= 0) completed++;
}

static void end_connection(conn *c) {
    if (c->state == GONE) return;
    if (c->state != OPEN) {
        in_flight--;
        failed++;
    } else if (!c->is_publisher) {
        live--;
        dropped++;
        for (uint32_t k = c->last + 1; phase == RUN && k <= sent; k++) {
            left[k % RING]--;
            lost++;
        }
        if (phase == WARM && c->last != sent) warm_left--;
        advance();
    }
    c->state = GONE;
    close(c->fd);
}

static void received(conn *c, uint32_t k, int64_t now) {
    if (phase == WARM) {
        if (k == sent && c->last != sent) warm_left--;
        c->last = k;
        return;
    }
    if (k <= c->last) {
        doubled++;
        return;
    }
    for (uint32_t missed = c->last + 1; missed < k; missed++) {
        lost++;
        left[missed % RING]--;
    }
    c->last = k;
    deliveries++;
    last_receipt = now;
    int64_t at = stamps ? (k < stamp_count ? stamps[k] : 0) : sent_at[k % RING];
    int64_t took = at && now > at ? now - at : 0;
    if (took > worst) worst = took;
    if (took / 10000 < FINE) fine[took / 10000]++;
    else coarse[took / 1000000 < FINE ? took / 1000000 : FINE - 1]++;
    if (--left[k % RING] <= 0) advance();
}

static void scan(conn *c, const char *data, size_t size, int64_t now) {
    const char *end = data + size;
    size_t marker = strlen(o_marker);
    while ((data = memmem(data, (size_t)(end - data), o_marker, marker))) {
        uint32_t k = 0;
        for (data += marker; data < end && *data == ' '; data++) {}
        while (data < end && *data >= '0' && *data <= '9') k = k * 10 + (uint32_t)(*data++ - '0');
        received(c, k, now);
    }
}

static void remember(const char *data, size_t size) {
    if (*said || !size) return;
    snprintf(said, sizeof said, "%.*s", (int)(size < SAID ? size : SAID), data);
}

static void greeted(conn *c) {
    if (!c->is_publisher) send_text(c, o_join);
    mark(c);
}

static void text(conn *c, const char *data, size_t size, int64_t now) {
    const char *after = c->is_publisher ? o_publish_after : o_after;
    if (c->state == HELLO) {
        if (memmem(data, size, after, strlen(after))) greeted(c);
        return;
    }
    if (size == 2 && !memcmp(data, "{}", 2)) send_text(c, "{}"); /* Centrifugo's ping */
    else if (size == 1 && *data == '2') send_text(c, "3");       /* Engine.IO's ping */
    else if (c->is_publisher) remember(data, size);
    else scan(c, data, size, now);
}

static void fragment(conn *c, const char *data, size_t size, int is_last, int64_t now) {
    if (is_last && !c->part_len) {
        text(c, data, size, now);
        return;
    }
    c->part = realloc(c->part, c->part_len + size + 1);
    memcpy(c->part + c->part_len, data, size);
    c->part_len += size;
    if (!is_last) return;
    text(c, c->part, c->part_len, now);
    c->part_len = 0;
}

/* How many bytes were taken. */
static size_t frames(conn *c, const char *data, size_t size, int64_t now) {
    size_t at = 0;
    while (size - at >= 2 && c->state != GONE) {
        const unsigned char *f = (const unsigned char *)data + at;
        size_t length = f[1] & 127, head = 2;
        if (length == 126) head = 4;
        if (length == 127) head = 10;
        if (size - at < head) break;
        if (head == 4) length = (size_t)f[2] << 8 | f[3];
        if (head == 10) {
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | f[i];
        }
        if (size - at < head + length) break;
        const char *payload = data + at + head;
        at += head + length;
        if ((f[0] & 15) == 9) {
            put_frame(c, 10, payload, length);
            flush_out(c);
        } else if ((f[0] & 15) == 8) {
            if (length >= 2) close_code = (unsigned char)payload[0] << 8 | (unsigned char)payload[1];
            end_connection(c);
        } else {
            fragment(c, payload, length, f[0] & 0x80, now);
        }
    }
    return at;
}

static size_t lines(conn *c, const char *data, size_t size, int64_t now) {
    const char *newline = memrchr(data, '\n', size);
    if (!newline) return 0;
    scan(c, data, (size_t)(newline - data), now);
    return (size_t)(newline - data) + 1;
}

static size_t answers(const char *data, size_t size) {
    if (size > 12 && !memcmp(data, "HTTP/1.1 ", 9) && data[9] != '2') remember(data, size);
    return size;
}

static size_t handshake(conn *c, const char *data, size_t size) {
    int is_ws = !strcmp(c->is_publisher ? o_publish : o_stream, "ws");
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (size < 12 || memcmp(data + 9, is_ws ? "101" : "200", 3)) {
        remember(data, size);
        end_connection(c);
        return size;
    }
    const char *after = c->is_publisher ? o_publish_after : o_after;
    c->state = HELLO;
    if (is_ws) send_text(c, c->is_publisher ? o_publish_hello : o_hello);
    if (!*after) greeted(c);
    return (size_t)(end + 4 - data);
}

static void readable(conn *c) {
    memcpy(input, c->rest, c->rest_len);
    ssize_t n = recv(c->fd, input + c->rest_len, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        end_connection(c);
        return;
    }
    bytes_in += n;
    int64_t now = now_ns();
    const char *data = input;
    size_t size = c->rest_len + (size_t)n, taken = 0;
    if (c->state == HANDSHAKE) taken = handshake(c, data, size);
    if (c->state == HELLO || c->state == OPEN) {
        const char *kind = c->is_publisher ? o_publish : o_stream;
        data += taken;
        size -= taken;
        taken = !strcmp(kind, "ws")     ? frames(c, data, size, now)
                : !strcmp(kind, "post") ? answers(data, size)
                                        : lines(c, data, size, now);
    }
    c->rest_len = c->state == GONE ? 0 : size - taken;
    c->rest = realloc(c->rest, c->rest_len + 1);
    memcpy(c->rest, data + taken, c->rest_len);
}

static void writable(conn *c) {
    int fault = 0;
    socklen_t size = sizeof fault;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault) {
        end_connection(c);
        return;
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted);
    if (c->is_publisher && !strcmp(o_publish, "post")) {
        mark(c);
        return;
    }
    c->state = HANDSHAKE;
    put_request(c);
}

static void pump(int timeout_ms) {
    struct epoll_event events[512];
    if (publisher.out_len) {
        flush_out(&publisher);
        if (publisher.out_len && timeout_ms > 1) timeout_ms = 1;
    }
    int n = epoll_wait(poller, events, 512, timeout_ms);
    for (int i = 0; i < n; i++) {
        conn *c = events[i].data.ptr;
        if (c->state == GONE) continue;
        if (c->state == CONNECTING) writable(c);
        else readable(c);
    }
}

static void publish(void) {
    static char body[8192], request[16384];
    sent++;
    left[sent % RING] = live;
    if (phase == WARM) warm_left = live;
    sent_at[sent % RING] = now_ns();
    for (int room = 0; room < o_rooms; room++) {
        size_t size = fill(body, sizeof body, o_message, room, sent);
        if (!strcmp(o_publish, "ws")) {
            put_frame(&publisher, 1, body, size);
            continue;
        }
        char path[1024];
        fill(path, sizeof path, o_publish_path, room, sent);
        int n = snprintf(request, sizeof request,
                         "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: %zu\r\n%s\r\n%s", path,
                         o_host, o_port, size, o_publish_header, body);
        put(&publisher, request, (size_t)n);
    }
    flush_out(&publisher);
}

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double quantile_ms(double share) {
    int64_t wanted = (int64_t)((double)deliveries * share), seen = 0;
    for (int i = 0; i < FINE; i++)
        if ((seen += fine[i]) > wanted) return (i + 1) * 0.01;
    for (int i = 0; i < FINE; i++)
        if ((seen += coarse[i]) > wanted) return i + 1;
    return 0;
}

static void print_text(const char *value) {
    putchar('"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') putchar('\\');
        putchar((unsigned char)*value < 32 ? ' ' : *value);
    }
    putchar('"');
}

static void report(double seconds, uint32_t rounds, double cpu) {
    printf("{\"seconds\":%.6f,\"rounds\":%u,\"deliveries\":%lld,\"lost\":%lld,\"doubled\":%lld,"
           "\"dropped\":%d,\"connected\":%d,\"failed\":%d,\"bytes\":%lld,\"cpu_s\":%.4f,"
           "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"worst_ms\":%.2f,\"close_code\":%d,\"said\":",
           seconds, rounds, (long long)deliveries, (long long)lost, (long long)doubled, dropped, live,
           failed, (long long)bytes_in, cpu, quantile_ms(0.5), quantile_ms(0.99),
           (double)worst / 1e6, close_code);
    print_text(said);
    printf("}\n");
    fflush(stdout);
}

static void begin(int what) {
    phase = what;
    deliveries = lost = doubled = bytes_in = worst = 0;
    memset(fine, 0, sizeof fine);
    memset(coarse, 0, sizeof coarse);
    dropped = 0;
}

static void connect_all(void) {
    int64_t started = now_ns(), moved = started;
    int next = 0, before = 0;
    double cpu = cpu_s();
    if (strcmp(o_publish, "none")) {
        publisher.is_publisher = 1;
        open_connection(&publisher);
    }
    while ((next < o_subscribers || in_flight) && now_ns() - moved < 5 * STALL_NS) {
        while (next < o_subscribers && in_flight < IN_FLIGHT) {
            subscribers[next].room = next % o_rooms;
            open_connection(&subscribers[next++]);
        }
        pump(100);
        if (opened + failed != before) moved = now_ns();
        before = opened + failed;
    }
    report((double)(now_ns() - started) / 1e9, 0, cpu_s() - cpu);
}

static void warm(void) {
    int64_t started = now_ns(), published = 0;
    double cpu = cpu_s();
    begin(WARM);
    warm_left = live;
    while (warm_left > 0 && now_ns() - started < 20 * STALL_NS) {
        if (now_ns() - published > 300000000LL * (o_rooms > 1 ? 5 : 1)) {
            publish();
            published = now_ns();
        }
        pump(10);
    }
    completed = sent;
    failed += warm_left;
    report((double)(now_ns() - started) / 1e9, 0, cpu_s() - cpu);
}

/* `rate` rounds a second, or as many as keep `outstanding` of them under way. */
static void run(double rate, uint32_t outstanding, double seconds) {
    double cpu = cpu_s();
    begin(RUN);
    uint32_t first = sent;
    int64_t started = now_ns(), end = started + (int64_t)(seconds * 1e9), now = started;
    last_receipt = started;
    while ((now < end || completed < sent) && now - last_receipt < STALL_NS && live) {
        int wait_ms = 10;
        if (rate > 0) {
            int64_t due = started + (int64_t)((double)(sent - first) * 1e9 / rate);
            if (now < end && now >= due) publish();
            int64_t left_ns = started + (int64_t)((double)(sent - first) * 1e9 / rate) - now;
            wait_ms = left_ns < 0 ? 0 : (int)(left_ns / 1000000);
        } else {
            while (now < end && sent - completed < outstanding && !publisher.out_len) publish();
        }
        pump(wait_ms > 10 ? 10 : wait_ms);
        now = now_ns();
    }
    for (uint32_t k = completed + 1; k <= sent; k++)
        if (left[k % RING] > 0) lost += left[k % RING];
    completed = sent;
    report((double)(last_receipt - started) / 1e9, sent - first, cpu_s() - cpu);
}

static void observe(double seconds) {
    double cpu = cpu_s();
    begin(RUN);
    int64_t started = now_ns();
    last_receipt = started;
    while (now_ns() - started < (int64_t)(seconds * 1e9)) pump(10);
    report((double)(last_receipt - started) / 1e9, subscribers[0].last, cpu_s() - cpu);
}

static void idle(double seconds) {
    int64_t end = now_ns() + (int64_t)(seconds * 1e9);
    while (now_ns() < end) pump(10);
    report(seconds, 0, 0);
}

static void cut(void) {
    struct linger at_once = {1, 0};
    for (int i = 0; i < o_subscribers; i++) {
        if (subscribers[i].state == GONE || subscribers[i].state == FRESH) continue;
        setsockopt(subscribers[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(subscribers[i].fd);
        subscribers[i].state = GONE;
    }
    report(0, 0, 0);
}

static void open_stamps(void) {
    if (!*o_stamps) return;
    int fd = open(o_stamps, O_RDONLY);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size <= 0) die(o_stamps);
    stamps = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    stamp_count = (size_t)size / sizeof *stamps;
}

static void take_options(int argc, char **argv) {
    struct { const char *key; const char **text; int *number; } known[] = {
        {"host", &o_host, 0}, {"port", 0, &o_port}, {"stream", &o_stream, 0}, {"path", &o_path, 0},
        {"header", &o_header, 0}, {"hello", &o_hello, 0}, {"after", &o_after, 0},
        {"join", &o_join, 0}, {"marker", &o_marker, 0}, {"publish", &o_publish, 0},
        {"publish_path", &o_publish_path, 0}, {"publish_header", &o_publish_header, 0},
        {"publish_hello", &o_publish_hello, 0}, {"publish_after", &o_publish_after, 0},
        {"message", &o_message, 0}, {"stamps", &o_stamps, 0}, {"room", &o_room, 0},
        {"subscribers", 0, &o_subscribers}, {"rooms", 0, &o_rooms},
    };
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        size_t n = value ? (size_t)(value - argv[i]) : 0, found = 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (!value || strlen(known[k].key) != n || strncmp(known[k].key, argv[i], n)) continue;
            found = 1;
            if (known[k].text) *known[k].text = value + 1;
            else *known[k].number = atoi(value + 1);
        }
        if (!found) {
            fprintf(stderr, "unknown option: %s\n", argv[i]);
            exit(2);
        }
    }
}

static void obey(const char *line) {
    double a = 0, b = 0;
    if (!strncmp(line, "connect", 7)) connect_all();
    else if (!strncmp(line, "warm", 4)) warm();
    else if (sscanf(line, "closed %lf %lf", &a, &b) == 2) run(0, (uint32_t)a, b);
    else if (sscanf(line, "paced %lf %lf", &a, &b) == 2) run(a, 0, b);
    else if (sscanf(line, "observe %lf", &a) == 1) observe(a);
    else if (sscanf(line, "idle %lf", &a) == 1) idle(a);
    else if (!strncmp(line, "cut", 3)) cut();
    else exit(2);
}

int main(int argc, char **argv) {
    take_options(argc, argv);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    input = malloc(2 * READ_BYTES);
    subscribers = calloc((size_t)o_subscribers, sizeof *subscribers);
    open_stamps();
    char line[256];
    while (fgets(line, sizeof line, stdin)) obey(line);
    return 0;
}
