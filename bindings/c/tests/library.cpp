// The C++ header: the same sample as in C, exceptions, and moves.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "flowlet.hpp"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    std::ifstream opened(argv[1], std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(opened), {}};
    flowlet::model<float> model(bytes);
    model.self_test();
    std::vector<float> x(model.description().data);
    model.noise(7, 0, x);
    flowlet::model<float> moved = std::move(model);
    moved.sample({}, x);
    std::printf("%.9g\n", static_cast<double>(x[0]));
    try {
        flowlet::model<std::int32_t> wrong(bytes);
        return 1;
    } catch (const flowlet::error &error) {
        if (error.status() != FLOWLET_KIND) return 1;
    }
    try {
        model.self_test();
        return 1;
    } catch (const flowlet::error &error) {
        if (error.status() != FLOWLET_CLOSED) return 1;
    }
}
