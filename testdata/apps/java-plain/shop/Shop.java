package shop;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A server that asks itself, and whoever it is told to. */
public class Shop {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        byte[] answer = "three äpples".getBytes(StandardCharsets.UTF_8);
        server.createContext("/items", exchange -> {
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        try {
            visit("http://127.0.0.1:" + server.getAddress().getPort() + "/items", arguments);
        } finally {
            server.stop(0);
        }
    }

    private static void visit(String own, String[] others) throws Exception {
        System.out.println("own: " + get(own));
        for (String url : others) {
            System.out.println("trusted: " + get(url).length());
        }
        System.out.println("java: " + Runtime.version().feature() + " " + System.getProperty("java.home"));
        // Names of files are in the locale's encoding, and a program writes where it may.
        Path file = Files.writeString(Path.of(System.getProperty("java.io.tmpdir"), "bücher"), "x");
        System.out.println("file: " + Files.exists(file));
        System.out.println("child: " + new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-version")
                .redirectErrorStream(true).start().waitFor());
        try {
            throw new IllegalStateException("with its line");
        } catch (IllegalStateException error) {
            System.out.println("line: " + error.getStackTrace()[0].getLineNumber());
        }
    }

    private static String get(String url) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
}
