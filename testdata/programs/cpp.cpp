// Regular expressions, streams, threads and an exception that crosses a frame of the standard library.
#include <algorithm>
#include <iostream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::vector<std::string> words(const std::string &text) {
    static const std::regex word("[A-Za-z]+");
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) found.push_back(at->str());
    return found;
}

int main() {
    std::ostringstream line;
    std::thread([&] {
        for (const auto &word : words("one, two; 3 three")) line << word << '.';
    }).join();
    std::cout << "words " << line.str() << std::endl;

    std::vector<int> numbers{3, 1, 2};
    try {
        std::for_each(numbers.begin(), numbers.end(), [](int number) {
            if (number == 1) throw std::runtime_error("one was met");
        });
    } catch (const std::exception &error) {
        std::cout << "caught " << error.what() << std::endl;
        return 0;
    }
    return 1;
}
