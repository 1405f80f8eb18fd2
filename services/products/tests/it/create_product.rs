use contracts::google::r#type::Money;
use contracts::products::v1::{CreateProductRequest, OptionValue, ProductOption, ProductStatus};
use tonic::Code;

use crate::shop::{Refused, Shop, euro, mugs, new_uuid, refused, status_of};

#[tokio::test]
async fn a_seller_creates_a_draft_with_options_variants_and_prices() {
    let shop = Shop::open().await;
    let mut request = mugs(&["MUG-S", "MUG-L"]);
    request.variants[1].prices.push(Money { currency_code: "JPY".to_owned(), units: 2_000, nanos: 0 });
    let answer = shop.client.clone().create_product(shop.seller.request(request.clone())).await.unwrap();
    let product = answer.into_inner().product.unwrap();

    assert_eq!(product.seller_id, shop.seller_id.to_string());
    assert_eq!((status_of(&product), product.version), (ProductStatus::Draft, 1));
    assert_eq!((product.title, product.description), (request.title, request.description));
    assert_eq!(product.options, request.options);
    assert_eq!(product.create_time, product.update_time);
    for (variant, asked) in product.variants.iter().zip(&request.variants) {
        assert_eq!((&variant.sku, &variant.option_values), (&asked.sku, &asked.option_values));
        assert_eq!(variant.weight_grams, asked.weight_grams);
        assert_eq!(variant.prices.iter().map(|price| price.amount.clone().unwrap()).collect::<Vec<_>>(), asked.prices);
        assert!(variant.prices.iter().all(|price| price.price_version == 1));
        assert!(variant.prices.iter().all(|price| price.effective_time == product.create_time));
    }
}

#[tokio::test]
async fn every_field_that_is_wrong_in_itself_is_named_in_one_answer() {
    let shop = Shop::open().await;
    let mut request = mugs(&["mug-s", "MUG-L"]);
    request.request_id = String::new();
    request.title = "x".repeat(201);
    request.description = "a\0b".to_owned();
    request.options[0].values[1] = " ".to_owned();
    request.options.push(ProductOption { name: "x".repeat(41), values: vec![] });
    request.variants[0].weight_grams = 0;
    request.variants[0].prices = vec![euro(0, 0), euro(-1, 0), euro(1, 1), euro(i64::MAX, 0)];
    request.variants[1].prices[0].currency_code = "EURO".to_owned();
    request.variants[1].option_values[0].name = String::new();
    let answer = shop.client.clone().create_product(shop.seller.request(request)).await;
    let fields = [
        "request_id",
        "title",
        "description",
        "options[0].values[1]",
        "options[1].name",
        "variants[0].sku",
        "variants[0].prices[0]",
        "variants[0].prices[1]",
        "variants[0].prices[2]",
        "variants[0].prices[3]",
        "variants[0].weight_grams",
        "variants[1].option_values[0].name",
        "variants[1].prices[0].currency_code",
    ];
    assert_eq!(refused(answer), Refused::invalid(&fields));
    assert_eq!(shop.count("product").await, 0);
}

#[tokio::test]
async fn parts_that_do_not_fit_together_are_refused() {
    type Spoil = fn(&mut CreateProductRequest);
    let cases: [(Spoil, &[&str]); 7] = [
        (|request| request.variants.clear(), &["variants"]),
        (|request| request.options[0].values.push("Size 0".to_owned()), &["options[0].values"]),
        (|request| request.variants[0].option_values.clear(), &["variants[0].option_values"]),
        (
            |request| {
                request.variants[1].option_values.push(OptionValue { name: "Hue".to_owned(), value: "Red".to_owned() });
            },
            &["variants[1].option_values"],
        ),
        (
            |request| request.variants[1] = request.variants[0].clone(),
            &["variants[1].sku", "variants[1].option_values"],
        ),
        (|request| request.variants[0].prices.clear(), &["variants[0].prices"]),
        (|request| request.variants[0].prices.push(euro(9, 0)), &["variants[0].prices"]),
    ];
    let shop = Shop::open().await;
    for (spoil, fields) in cases {
        let mut request = mugs(&["MUG-S", "MUG-L"]);
        spoil(&mut request);
        let answer = shop.client.clone().create_product(shop.seller.request(request)).await;
        assert_eq!(refused(answer), Refused::invalid(fields));
    }
    assert_eq!(shop.count("product").await, 0);
}

#[tokio::test]
async fn a_sku_that_somebody_offers_is_taken_and_nothing_is_half_done() {
    let shop = Shop::open().await;
    shop.create(&["MUG-S"]).await;
    let request = mugs(&["MUG-XL", "MUG-S"]);
    let answer = shop.client.clone().create_product(shop.other_seller.request(request.clone())).await;
    assert_eq!(refused(answer), Refused::new(Code::AlreadyExists, "SKU_TAKEN", &["variants[1].sku"]));
    assert_eq!([shop.count("product").await, shop.count("variant").await, shop.count("journal").await], [1, 1, 1]);

    // A refusal leaves the request_id free: the corrected request may use it again.
    let corrected = CreateProductRequest { request_id: request.request_id, ..mugs(&["MUG-XL"]) };
    shop.client.clone().create_product(shop.other_seller.request(corrected)).await.unwrap();
}

#[tokio::test]
async fn of_many_who_ask_for_the_same_skus_at_once_one_gets_them() {
    let shop = Shop::open().await;
    let creations = (0..8).map(|_| {
        let (mut client, request) = (shop.client.clone(), shop.seller.request(mugs(&["MUG-S", "MUG-L"])));
        tokio::spawn(async move { client.create_product(request).await })
    });
    let mut created = 0;
    for creation in creations.collect::<Vec<_>>() {
        match creation.await.unwrap() {
            Ok(_) => created += 1,
            answer => assert_eq!(refused(answer).reason, "SKU_TAKEN"),
        }
    }
    assert_eq!((created, shop.count("product").await, shop.count("variant").await), (1, 1, 2));
}

#[tokio::test]
async fn creations_that_share_skus_never_wait_for_each_other_in_a_circle() {
    let shop = Shop::open().await;
    shop.create(&["OTHER"]).await;
    // Whoever is about to take the SKU in the middle holds both creations up when each has begun from its own end.
    let mut tx = messaging::begin(shop.store.pool()).await.unwrap();
    let take = "INSERT INTO variant (sku, product_id, position, option_values, weight_grams)
                SELECT 'MUG-2', product_id, 1, '[\"Size 1\"]', 350 FROM variant WHERE sku = 'OTHER'";
    sqlx::query(take).execute(&mut *tx).await.unwrap();
    let orders = [["MUG-1", "MUG-2", "MUG-3"], ["MUG-3", "MUG-2", "MUG-1"]];
    let creations = orders.map(|skus| {
        let (mut client, request) = (shop.client.clone(), shop.seller.request(mugs(&skus)));
        tokio::spawn(async move { client.create_product(request).await })
    });
    let waiting = "SELECT count(*) = 2 FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    testkit::eventually("both to wait", async || {
        sqlx::query_scalar::<_, bool>(waiting).fetch_one(shop.store.pool()).await.unwrap()
    })
    .await;
    tx.rollback().await.unwrap();

    let [first, second] = creations;
    let (created, refusals): (Vec<_>, Vec<_>) =
        [first.await.unwrap(), second.await.unwrap()].into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    let taken = refusals.into_iter().map(refused).map(|refused| refused.reason).collect::<Vec<_>>();
    assert_eq!(taken, ["SKU_TAKEN"]);
}

#[tokio::test]
async fn a_seller_creates_for_itself_alone_and_an_operator_for_the_seller_it_names() {
    let shop = Shop::open().await;
    let for_seller = |seller_id: String, sku| CreateProductRequest { seller_id, ..mugs(&[sku]) };
    let create =
        async |bearer: &testkit::Bearer, request| shop.client.clone().create_product(bearer.request(request)).await;

    let own = create(&shop.seller, for_seller(shop.seller_id.to_string(), "A")).await.unwrap();
    assert_eq!(own.into_inner().product.unwrap().seller_id, shop.seller_id.to_string());
    let other = create(&shop.seller, for_seller(new_uuid().to_string(), "B")).await;
    assert_eq!(refused(other), Refused::new(Code::PermissionDenied, "NOT_YOUR_SELLER", &["seller_id"]));

    let anyone = new_uuid().to_string();
    let named = create(&shop.operator, for_seller(anyone.clone(), "C")).await.unwrap();
    assert_eq!(named.into_inner().product.unwrap().seller_id, anyone);
    assert_eq!(refused(create(&shop.operator, mugs(&["D"])).await), Refused::invalid(&["seller_id"]));
    let malformed = create(&shop.operator, for_seller("seller-7".to_owned(), "E")).await;
    assert_eq!(refused(malformed), Refused::invalid(&["seller_id"]));
}

#[tokio::test]
async fn the_same_request_twice_creates_one_product() {
    let shop = Shop::open().await;
    let request = mugs(&["MUG-S"]);
    let create = async |request| shop.client.clone().create_product(shop.seller.request(request)).await;
    let first = create(request.clone()).await.unwrap().into_inner();
    assert_eq!(create(request.clone()).await.unwrap().into_inner(), first);
    assert_eq!((shop.count("product").await, shop.count("outbox").await), (1, 1));

    let altered = CreateProductRequest { title: "Cup".to_owned(), ..request };
    let answer = create(altered).await;
    assert_eq!(refused(answer), Refused::new(Code::InvalidArgument, "REQUEST_ID_REUSED", &["request_id"]));
}
