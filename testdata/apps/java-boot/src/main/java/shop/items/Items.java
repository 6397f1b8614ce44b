package shop.items;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the shop has. Nothing names this class: Spring finds it when it looks through the packages of the program. */
@RestController
public class Items {
    public record Item(String name, int count) {}

    @GetMapping("/items")
    public Item items() {
        return new Item("apple", 3);
    }
}
