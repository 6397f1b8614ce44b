import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import java.nio.file.Path;
import java.util.List;

/** FOLDER ARCHIVE CACHE: an image that has what is in the folder below /app, as an archive. */
class Build {
    public static void main(String[] words) throws Exception {
        Path cache = Path.of(words[2]);
        List<Path> inside;
        try (var listed = java.nio.file.Files.list(Path.of(words[0]))) {
            inside = listed.sorted().toList();
        }
        Jib.fromScratch()
            .addLayer(inside, AbsoluteUnixPath.get("/app"))
            .containerize(
                Containerizer.to(TarImage.at(Path.of(words[1])).named("bench"))
                    .setBaseImageLayersCache(cache)
                    .setApplicationLayersCache(cache)
                    .setOfflineMode(true));
        // Its threads would keep the machine running for a minute.
        System.exit(0);
    }
}
