package shop;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.WebServerApplicationContext;

/** A web application that asks itself once, and ends. */
@SpringBootApplication
public class Shop {
    public static void main(String[] arguments) throws Exception {
        var context = SpringApplication.run(Shop.class, "--server.port=0", "--server.address=127.0.0.1");
        int port = ((WebServerApplicationContext) context).getWebServer().getPort();
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/items")).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println("answer: " + answer.statusCode() + " " + answer.body());
        System.exit(SpringApplication.exit(context));
    }
}
