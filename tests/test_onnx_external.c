/* Tensors that an ONNX file stores in other files: read if those are in the model's folder, refused
 * otherwise. The model is made here byte by byte, with the locations to test. */
#include "tests/onnx_files.h"

#include <fcntl.h>

enum { ROOM = 1024 };

typedef struct bytes {
    uint8_t data[ROOM];
    size_t size;
} bytes;

static void put_key(bytes *b, int field, int wire)
{
    b->data[b->size++] = (uint8_t)(field << 3 | wire);
}

static void put_int(bytes *b, int field, uint64_t value)
{
    put_key(b, field, 0);
    for (; value > 127; value >>= 7)
        b->data[b->size++] = (uint8_t)(value | 128);
    b->data[b->size++] = (uint8_t)value;
}

static void put_bytes(bytes *b, int field, const void *data, size_t size)
{
    put_int(b, field, size);
    size_t key = b->size - (size > 127 ? 3 : 2);
    b->data[key] = (uint8_t)(field << 3 | 2);
    assert_true(b->size + size <= ROOM);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_string(bytes *b, int field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static void put_pair(bytes *b, const char *key, const char *value)
{
    bytes pair = {.size = 0};
    put_string(&pair, 1, key);
    put_string(&pair, 2, value);
    put_bytes(b, 13, pair.data, pair.size);
}

static void put_info(bytes *graph, int field, const char *name, int features)
{
    bytes rows = {.size = 0}, cols = {.size = 0}, shape = {.size = 0}, tensor = {.size = 0},
          type = {.size = 0}, info = {.size = 0};
    put_string(&rows, 2, "n");
    put_int(&cols, 1, (uint64_t)features);
    put_bytes(&shape, 1, rows.data, rows.size);
    put_bytes(&shape, 1, cols.data, cols.size);
    put_int(&tensor, 1, 1);
    put_bytes(&tensor, 2, shape.data, shape.size);
    put_bytes(&type, 1, tensor.data, tensor.size);
    put_string(&info, 1, name);
    put_bytes(&info, 2, type.data, type.size);
    put_bytes(graph, field, info.data, info.size);
}

/* y = x w, w float32 (2, 3), its 24 bytes described by pairs of key and value up to NULL. */
static void write_model(const char *const *pairs, int location)
{
    bytes weight = {.size = 0}, node = {.size = 0}, graph = {.size = 0}, opset = {.size = 0},
          model = {.size = 0};
    put_int(&weight, 1, 2);
    put_int(&weight, 1, 3);
    put_int(&weight, 2, 1);
    put_string(&weight, 8, "w");
    for (; *pairs; pairs += 2)
        put_pair(&weight, pairs[0], pairs[1]);
    put_int(&weight, 14, (uint64_t)location);
    put_string(&node, 1, "x");
    put_string(&node, 1, "w");
    put_string(&node, 2, "y");
    put_string(&node, 4, "MatMul");
    put_bytes(&graph, 1, node.data, node.size);
    put_string(&graph, 2, "g");
    put_bytes(&graph, 5, weight.data, weight.size);
    put_info(&graph, 11, "x", 2);
    put_info(&graph, 12, "y", 3);
    put_int(&opset, 2, 13);
    put_int(&model, 1, 7);
    put_bytes(&model, 7, graph.data, graph.size);
    put_bytes(&model, 8, opset.data, opset.size);
    put_file(net_path, model.data, model.size);
}

static char data_path[128], other_path[128], link_path[128], sub_path[128];

static int make_files(void **state)
{
    float numbers[8] = {-9, 1, 2, 3, 4, 5, 6, -8};
    if (make_folder(state) != 0)
        return -1;
    snprintf(data_path, sizeof data_path, "%s/w.data", scratch_folder);
    snprintf(link_path, sizeof link_path, "%s/link", scratch_folder);
    snprintf(sub_path, sizeof sub_path, "%s/sub", scratch_folder);
    snprintf(other_path, sizeof other_path, "%s/sub/w.data", scratch_folder);
    if (mkdir(sub_path, 0777) != 0)
        return -1;
    put_file(data_path, numbers, sizeof numbers);
    put_file(other_path, numbers + 1, 24);
    return 0;
}

static int remove_files(void **state)
{
    unlink(link_path);
    unlink(data_path);
    unlink(other_path);
    rmdir(sub_path);
    return remove_folder(state);
}

static void assert_reads(const char *const *pairs)
{
    write_model(pairs, 1);
    ami_net *net = read_net(net_path);
    for (int o = 0; o < 3; o++) {
        for (int i = 0; i < 2; i++)
            assert_true(net->weight[0][2 * o + i] == (float)(1 + 3 * i + o));
    }
    ami_net_destroy(net);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_reads(void **state)
{
    (void)state;
    assert_reads(PAIRS("location", "w.data", "offset", "4", "length", "24"));
    assert_reads(PAIRS("length", "24", "checksum", "abc", "offset", "4", "location", "./w.data"));
    assert_reads(PAIRS("location", "sub/w.data"));
    assert_reads(PAIRS("location", "sub/w.data", "offset", "0", "length", "24"));
    assert_int_equal(symlink("sub/w.data", link_path), 0);
    assert_reads(PAIRS("location", "link"));
    unlink(link_path);
}

/* A model given by a bare name lies in the working folder. */
static void test_reads_in_working_folder(void **state)
{
    (void)state;
    write_model(PAIRS("location", "w.data", "offset", "4", "length", "24"), 1);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(here >= 0);
    assert_int_equal(chdir(scratch_folder), 0);
    ami_error err = {0};
    ami_net *net = ami_onnx_read(strrchr(net_path, '/') + 1, &err);
    assert_int_equal(fchdir(here), 0);
    close(here);
    if (!net)
        fail_msg("%s", err.text);
    ami_net_destroy(net);
}

static void test_refuses_locations(void **state)
{
    (void)state;
    const char *own = "a file in the model's own folder was expected";
    const struct {
        const char *location, *words;
    } cases[] = {
        {"/etc/passwd", own},    {data_path, own},
        {"../w.data", own},      {"sub/../w.data", own},
        {"sub/..", own},         {"..", own},
        {"", "has no location"}, {"missing", "No such file"},
        {"sub", "is a folder"},  {"w.data/x", "Not a directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_model(PAIRS("location", cases[i].location, "offset", "4", "length", "24"), 1);
        assert_refused(net_path, cases[i].words);
        assert_refused(net_path, "initialiser 'w': its ");
    }
    char *long_name = malloc(6000);
    memset(long_name, 'x', 900);
    long_name[300] = 0;
    write_model(PAIRS("location", long_name), 1);
    assert_refused(net_path, "File name too long");
    free(long_name);
}

static void test_refuses_links(void **state)
{
    (void)state;
    static const char *const targets[] = {"/etc/passwd", "/dev/zero", "..", "/"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(symlink(targets[i], link_path), 0);
        write_model(PAIRS("location", i < 2    ? "link"
                                      : i == 2 ? "link/amble-has-no-such-file"
                                               : "link/etc/passwd"),
                    1);
        assert_refused(net_path, i == 2 ? "No such file" : "a link that leads out of the model's folder");
        unlink(link_path);
    }
    assert_int_equal(mkfifo(link_path, 0666), 0);
    write_model(PAIRS("location", "link"), 1);
    assert_refused(net_path, "is a pipe");
    unlink(link_path);
}

static void test_refuses_ranges(void **state)
{
    (void)state;
    const struct {
        const char *offset, *length, *words;
    } cases[] = {
        {"4", "28", "holds 28 bytes of data, its shape (2, 3) expects 24"},
        {"4", "20", "expects 24"},
        {"12", "24", "24 bytes from 12 on in 'w.data', which has only 32"},
        {"33", "0", "which has only 32"},
        {"18446744073709551615", "24", "which has only 32"},
        {"8", "18446744073709551615", "which has only 32"},
        {"-4", "24", "offset '-4'"},
        {"4", "24x", "length '24x'"},
        {"", "24", "offset ''"},
        {"99999999999999999999", "24", "numbers of bytes were expected"},
        {"0", "0", "holds 0 bytes of data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_model(PAIRS("location", "w.data", "offset", cases[i].offset, "length", cases[i].length), 1);
        assert_refused(net_path, cases[i].words);
    }
    write_model(PAIRS("location", "w.data"), 1);
    assert_refused(net_path, "holds 32 bytes of data");
    write_model(PAIRS("location", "w.data", "offset", "40"), 1);
    assert_refused(net_path, "which has only 32");
    write_model(PAIRS("location", "w.data", "location", "w.data"), 1);
    assert_refused(net_path, "gives 'location' twice");
    write_model(PAIRS("offset", "4"), 1);
    assert_refused(net_path, "has no location");
    write_model(PAIRS("location", "w.data", "offset", "4", "length", "24"), 2);
    assert_refused(net_path, "location number 2");
    write_model(PAIRS("location", "w.data", "offset", "4", "length", "24"), 0);
    assert_refused(net_path, "location number 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_reads_in_working_folder),
        cmocka_unit_test(test_refuses_locations),
        cmocka_unit_test(test_refuses_links),
        cmocka_unit_test(test_refuses_ranges),
    };
    return cmocka_run_group_tests_name("onnx_external", tests, make_files, remove_files);
}
