import com.aliyun.imm20200930.Client;
import com.aliyun.imm20200930.models.*;
import com.aliyun.tea.TeaException;
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.teautil.models.RuntimeOptions;
import com.google.gson.Gson;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/** Talks to IMM 2020-09-30 with the typed official Java SDK and prints what it got as one line of JSON. */
public final class Imm {
    private static final String PROJECT = "from-java";
    private static final String DATASET = "photos";
    private static final String BUCKET = "oss://from-java";
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    // This SDK believes every certificate unless it is told not to.
    private static final RuntimeOptions RUNTIME = new RuntimeOptions().setAutoretry(false).setIgnoreSSL(false);

    private final Client client;
    private final Map<String, Object> result = new LinkedHashMap<>();

    private Imm(Client client) {
        this.client = client;
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> environment = System.getenv();
        Imm imm = new Imm(new Client(new Config()
                .setAccessKeyId(environment.get("ACCESS_KEY_ID"))
                .setAccessKeySecret(environment.get("ACCESS_KEY_SECRET"))
                .setEndpoint(environment.get("HOST"))
                .setProtocol(environment.get("PROTOCOL"))));
        imm.makePlaces();
        imm.bind();
        imm.index();
        imm.query();
        imm.fail();
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(new Gson().toJson(imm.result));
        System.exit(0); // the SDK's idle connections would hold the process
    }

    private void makePlaces() throws Exception {
        Project project = client.createProjectWithOptions(
                new CreateProjectRequest().setProjectName(PROJECT).setDescription("läuft").setDatasetMaxBindCount(3L),
                RUNTIME).getBody().getProject();
        result.put("project", List.of(
                project.getProjectName(), project.getDescription(), project.getDatasetMaxBindCount()));
        Dataset dataset = client.createDatasetWithOptions(
                new CreateDatasetRequest().setProjectName(PROJECT).setDatasetName(DATASET).setDatasetMaxFileCount(1000L),
                RUNTIME).getBody().getDataset();
        result.put("dataset", List.of(
                dataset.getProjectName(), dataset.getDatasetName(), dataset.getDatasetMaxFileCount()));
    }

    private void bind() throws Exception {
        Binding made = client.createBindingWithOptions(
                new CreateBindingRequest().setProjectName(PROJECT).setDatasetName(DATASET).setURI(BUCKET),
                RUNTIME).getBody().getBinding();
        result.put("binding", List.of(made.getURI(), made.getState()));
        Binding followed = await(
                () -> client.getBindingWithOptions(
                        new GetBindingRequest().setProjectName(PROJECT).setDatasetName(DATASET).setURI(BUCKET),
                        RUNTIME).getBody().getBinding(),
                binding -> "IncrementalScanning".equals(binding.getPhase()));
        result.put("followed", List.of(followed.getURI(), followed.getState(), followed.getPhase()));
    }

    private void index() throws Exception {
        IndexFileMetaResponseBody one = client.indexFileMetaWithOptions(
                new IndexFileMetaRequest().setProjectName(PROJECT).setDatasetName(DATASET).setFile(labelled("a.txt")),
                RUNTIME).getBody();
        BatchIndexFileMetaResponseBody many = client.batchIndexFileMetaWithOptions(
                new BatchIndexFileMetaRequest().setProjectName(PROJECT).setDatasetName(DATASET)
                        .setFiles(List.of(labelled("b.txt"), labelled("c.png"))),
                RUNTIME).getBody();
        result.put("accepted", List.of(
                one.getEventId() != null, one.getRequestId() != null,
                many.getEventId() != null, many.getRequestId() != null));
        Map<String, Object> shown = new LinkedHashMap<>();
        for (String key : List.of("a.txt", "b.txt", "c.png")) {
            File file = await(() -> meta(key), found -> found.getCustomLabels() != null);
            shown.put(key, file.getCustomLabels());
        }
        result.put("labels", shown);
        File picture = meta("c.png");
        result.put("picture", List.of(
                picture.getURI(), picture.getFilename(), picture.getMediaType(), picture.getContentType(),
                picture.getImageWidth(), picture.getImageHeight(), picture.getSize()));
    }

    private static InputFile labelled(String key) {
        return new InputFile().setURI(BUCKET + "/" + key).setCustomLabels(Map.of("von", "Jäva ☃ " + key));
    }

    private File meta(String key) throws Exception {
        return client.getFileMetaWithOptions(
                new GetFileMetaRequest().setProjectName(PROJECT).setDatasetName(DATASET).setURI(BUCKET + "/" + key),
                RUNTIME).getBody().getFiles().get(0);
    }

    private void query() throws Exception {
        SimpleQuery texts = where("prefix", "ContentType", "text/");
        SimpleQuery pictures = new SimpleQuery().setOperation("and")
                .setSubQueries(List.of(where("eq", "MediaType", "image"), where("gte", "ImageWidth", "64")));
        SimpleQuery either = new SimpleQuery().setOperation("or").setSubQueries(List.of(texts, pictures));
        SimpleQuery labelled = new SimpleQuery().setOperation("not")
                .setSubQueries(List.of(where("eq", "Filename", "d.txt")));
        SimpleQuery nested = new SimpleQuery().setOperation("and").setSubQueries(List.of(either, labelled));
        List<List<String>> pages = new ArrayList<>();
        List<Long> hits = new ArrayList<>();
        String next = "";
        do {
            SimpleQueryResponseBody page = client.simpleQueryWithOptions(
                    ask().setQuery(nested).setSort("Filename").setOrder("desc").setMaxResults(2).setNextToken(next)
                            .setWithFields(List.of("Filename")),
                    RUNTIME).getBody();
            pages.add(page.getFiles().stream().map(File::getFilename).toList());
            hits.add(page.getTotalHits());
            next = page.getNextToken();
        } while (next != null && !next.isEmpty());
        result.put("pages", pages);
        result.put("hits", hits);
        aggregate(nested);
    }

    private void aggregate(SimpleQuery query) throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        for (var held : client.simpleQueryWithOptions(
                ask().setQuery(query).setAggregations(List.of(
                        aggregation("sum", "Size"), aggregation("max", "Size"), aggregation("group", "MediaType"))),
                RUNTIME).getBody().getAggregations()) {
            Map<String, Long> groups = new LinkedHashMap<>();
            if (held.getGroups() != null) {
                held.getGroups().forEach(group -> groups.put(group.getValue(), group.getCount()));
            }
            found.put(held.getOperation() + " " + held.getField(), groups.isEmpty() ? held.getValue() : groups);
        }
        result.put("aggregations", found);
    }

    private static SimpleQueryRequest ask() {
        return new SimpleQueryRequest().setProjectName(PROJECT).setDatasetName(DATASET);
    }

    private static SimpleQuery where(String operation, String field, String value) {
        return new SimpleQuery().setOperation(operation).setField(field).setValue(value);
    }

    private static SimpleQueryRequest.SimpleQueryRequestAggregations aggregation(String operation, String field) {
        return new SimpleQueryRequest.SimpleQueryRequestAggregations().setOperation(operation).setField(field);
    }

    private void fail() throws Exception {
        result.put("absent", refused(() -> client.getProjectWithOptions(
                new GetProjectRequest().setProjectName("none"), RUNTIME)));
        result.put("again", refused(() -> client.createDatasetWithOptions(
                new CreateDatasetRequest().setProjectName(PROJECT).setDatasetName(DATASET), RUNTIME)));
        result.put("wrong", refused(() -> client.simpleQueryWithOptions(
                ask().setQuery(where("like", "Filename", "a")), RUNTIME)));
    }

    /** The code, the HTTP status and the request id of a refusal. */
    private static List<Object> refused(Callable<?> ask) throws Exception {
        try {
            ask.call();
            return List.of();
        } catch (TeaException refusal) {
            return List.of(refusal.getCode(), refusal.getStatusCode(), refusal.getData().get("RequestId"));
        }
    }

    /** Ask until the answer is as wanted; the last one at the deadline. */
    private static <T> T await(Callable<T> ask, Predicate<T> wanted) throws Exception {
        Instant end = Instant.now().plus(DEADLINE);
        T answer = ask.call();
        while (!wanted.test(answer) && Instant.now().isBefore(end)) {
            Thread.sleep(100);
            answer = ask.call();
        }
        return answer;
    }
}
