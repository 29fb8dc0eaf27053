// flowlet in C++20: RAII and std::span over flowlet.h. A status that is not FLOWLET_OK becomes an exception.
#ifndef FLOWLET_HPP
#define FLOWLET_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "flowlet.h"

namespace flowlet {

/// What a function of flowlet.h answered.
class error : public std::runtime_error {
public:
    error(std::int32_t status, const std::string &message) : std::runtime_error(message), status_(status) {}
    std::int32_t status() const noexcept { return status_; }

private:
    std::int32_t status_;
};

inline void check(std::int32_t status) {
    if (status == FLOWLET_OK) return;
    std::string message(flowlet_message(nullptr, 0), '\0');
    flowlet_message(message.data(), message.size());
    message.resize(message.empty() ? 0 : message.size() - 1);
    throw error(status, message);
}

/// A model. Number is float, or std::int32_t for a model of whole numbers. All members may be called from any thread.
template <class Number> class model {
    static_assert(std::is_same_v<Number, float> || std::is_same_v<Number, std::int32_t>);

public:
    /// Opens a model from the bytes of its file. `solver` and `steps` replace its own.
    explicit model(std::span<const std::uint8_t> bytes, const char *solver = nullptr, std::uint32_t steps = 0) {
        check(flowlet_open(bytes.data(), bytes.size(), solver, steps, &number_));
        try {
            check(flowlet_describe(number_, &description_));
            if ((description_.is_integer != 0) != std::is_same_v<Number, std::int32_t>) {
                throw error(FLOWLET_KIND, "the model has the other kind of numbers");
            }
        } catch (...) {
            flowlet_close(number_);
            throw;
        }
    }
    ~model() { if (number_ != 0) flowlet_close(number_); }
    model(model &&other) noexcept
        : number_(std::exchange(other.number_, 0)), description_(other.description_) {}
    model &operator=(model &&other) noexcept {
        std::swap(number_, other.number_);
        std::swap(description_, other.description_);
        return *this;
    }
    model(const model &) = delete;
    model &operator=(const model &) = delete;

    const flowlet_description &description() const noexcept { return description_; }
    std::uint64_t fingerprint() const noexcept { return description_.fingerprint; }

    /// The same model with classifier-free guidance.
    model guided(float weight) const {
        model made;
        check(flowlet_guide(number_, weight, &made.number_));
        made.description_ = description_;
        return made;
    }
    /// Throws if this machine computes other bits than the model was verified with.
    void self_test() const { check(flowlet_self_test(number_)); }

    /// Fills `x` with the starting points `first`, `first` + 1, ... of `seed`.
    void noise(std::uint64_t seed, std::uint64_t first, std::span<Number> x) const {
        if constexpr (floats) check(flowlet_noise_f32(number_, seed, first, x.data(), x.size()));
        else check(flowlet_noise_i32(number_, seed, first, x.data(), x.size()));
    }
    /// Replaces starting points by samples. `condition` is for all points, or has one for each.
    void sample(std::span<const Number> condition, std::span<Number> x) const {
        if constexpr (floats)
            check(flowlet_sample_f32(number_, condition.data(), condition.size(), x.data(), x.size()));
        else check(flowlet_sample_i32(number_, condition.data(), condition.size(), x.data(), x.size()));
    }
    /// Takes one step of each point.
    void step(std::uint32_t step, std::span<const Number> condition, std::span<Number> x) const {
        if constexpr (floats)
            check(flowlet_step_f32(number_, step, condition.data(), condition.size(), x.data(), x.size()));
        else check(flowlet_step_i32(number_, step, condition.data(), condition.size(), x.data(), x.size()));
    }
    void to_data(std::span<Number> x) const {
        if constexpr (floats) check(flowlet_to_data_f32(number_, x.data(), x.size()));
        else check(flowlet_to_data_i32(number_, x.data(), x.size()));
    }
    /// Makes samples in data units such as the columns can hold: whole numbers, bounds, categories.
    void apply_columns(std::span<Number> x) const {
        if constexpr (floats) check(flowlet_apply_columns_f32(number_, x.data(), x.size()));
        else check(flowlet_apply_columns_i32(number_, x.data(), x.size()));
    }

private:
    static constexpr bool floats = std::is_same_v<Number, float>;
    model() = default;
    std::uint64_t number_ = 0;
    flowlet_description description_{};
};

} // namespace flowlet

#endif
