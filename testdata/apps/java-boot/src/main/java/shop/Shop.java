package shop;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.WebServerApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A web application that asks itself once, and ends. */
@SpringBootApplication
@RestController
public class Shop {
    public record Item(String name, int count) {}

    @GetMapping("/items")
    public Item items() {
        return new Item("apple", 3);
    }

    public static void main(String[] arguments) throws Exception {
        var context = SpringApplication.run(Shop.class, "--server.port=0", "--server.address=127.0.0.1");
        int port = ((WebServerApplicationContext) context).getWebServer().getPort();
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/items")).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println("answer: " + answer.statusCode() + " " + answer.body());
        System.exit(SpringApplication.exit(context));
    }
}
