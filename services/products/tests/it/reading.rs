use contracts::products::v1::{
    BatchGetVariantsRequest, GetProductRequest, ListProductsRequest, ListProductsResponse, ProductStatus,
    UnpublishProductRequest,
};
use testkit::Bearer;
use tonic::{Code, Request, Response, Status};

use crate::shop::{Refused, Shop, new_request_id, new_uuid, refused};

/// A request in nobody's name, or in somebody's.
fn request<M>(bearer: Option<&Bearer>, message: M) -> Request<M> {
    match bearer {
        Some(bearer) => bearer.request(message),
        None => Request::new(message),
    }
}

#[tokio::test]
async fn a_product_that_is_not_on_sale_is_found_only_by_its_seller_and_by_operators() {
    let shop = Shop::open().await;
    let draft = shop.create(&["DRAFT"]).await;
    let published = shop.create_and_publish(&["PUBLISHED"]).await;
    let unpublished = shop.create_and_publish(&["UNPUBLISHED"]).await;
    let off = UnpublishProductRequest { request_id: new_request_id(), product_id: unpublished.product_id.clone() };
    shop.client.clone().unpublish_product(shop.seller.request(off)).await.unwrap();
    let buyer = shop.tokens.buyer(new_uuid());

    let not_found = Refused::new(Code::NotFound, "PRODUCT_NOT_FOUND", &[]);
    for (caller, sees_all) in [
        (None, false),
        (Some(&buyer), false),
        (Some(&shop.other_seller), false),
        (Some(&shop.seller), true),
        (Some(&shop.operator), true),
    ] {
        for (product, is_public) in [(&draft, false), (&published, true), (&unpublished, false)] {
            let message = GetProductRequest { product_id: product.product_id.clone() };
            let answer = shop.client.clone().get_product(request(caller, message)).await;
            if sees_all || is_public {
                assert_eq!(answer.unwrap().into_inner().product.unwrap().product_id, product.product_id);
            } else {
                assert_eq!(refused(answer), not_found);
            }
        }
    }
}

#[tokio::test]
async fn a_product_is_read_as_it_was_created() {
    let shop = Shop::open().await;
    let created = shop.create(&["MUG-L", "MUG-S", "MUG-M"]).await;
    let message = GetProductRequest { product_id: created.product_id.clone() };
    let read = shop.client.clone().get_product(shop.seller.request(message)).await.unwrap().into_inner();
    assert_eq!(read.product.unwrap(), created);
}

#[tokio::test]
async fn an_unknown_or_malformed_product_is_refused() {
    let shop = Shop::open().await;
    let get = async |product_id: &str| {
        shop.client.clone().get_product(GetProductRequest { product_id: product_id.to_owned() }).await
    };
    assert_eq!(refused(get(&new_uuid().to_string()).await), Refused::new(Code::NotFound, "PRODUCT_NOT_FOUND", &[]));
    for malformed in ["", "mug", &new_uuid().simple().to_string()] {
        assert_eq!(refused(get(malformed).await), Refused::invalid(&["product_id"]), "{malformed}");
    }
}

async fn list(
    shop: &Shop,
    bearer: Option<&Bearer>,
    message: ListProductsRequest,
) -> Result<Response<ListProductsResponse>, Status> {
    shop.client.clone().list_products(request(bearer, message)).await
}

fn skus(response: &ListProductsResponse) -> Vec<&str> {
    response.products.iter().map(|product| product.variants[0].sku.as_str()).collect()
}

#[tokio::test]
async fn what_is_on_sale_is_listed_newest_first_in_pages() {
    let shop = Shop::open().await;
    for number in 1..=5 {
        shop.create_and_publish(&[&format!("MUG-{number}")]).await;
        shop.create(&[&format!("DRAFT-{number}")]).await;
    }
    let mut message = ListProductsRequest { page_size: 2, ..ListProductsRequest::default() };
    let mut pages: Vec<Vec<String>> = Vec::new();
    loop {
        let page = list(&shop, None, message.clone()).await.unwrap().into_inner();
        pages.push(skus(&page).into_iter().map(str::to_owned).collect());
        message.page_token.clone_from(&page.next_page_token);
        if message.page_token.is_empty() {
            break;
        }
        // What comes on sale meanwhile is newer, and moves nothing on the pages to come.
        shop.create_and_publish(&[&format!("LATER-{}", pages.len())]).await;
    }
    assert_eq!(pages, [vec!["MUG-5", "MUG-4"], vec!["MUG-3", "MUG-2"], vec!["MUG-1"]]);
}

#[tokio::test]
async fn everything_of_a_seller_is_listed_only_to_itself_and_to_operators() {
    let shop = Shop::open().await;
    shop.create_and_publish(&["PUBLISHED"]).await;
    shop.create(&["DRAFT"]).await;
    let of_seller = |seller_id: String| ListProductsRequest { seller_id, ..ListProductsRequest::default() };
    let own = shop.seller_id.to_string();
    let everything = vec!["DRAFT", "PUBLISHED"];
    for (caller, seller_id, expected) in [
        (None, &own, vec!["PUBLISHED"]),
        (Some(&shop.other_seller), &own, vec!["PUBLISHED"]),
        (Some(&shop.seller), &own, everything.clone()),
        (Some(&shop.operator), &own, everything),
        (Some(&shop.seller), &String::new(), vec!["PUBLISHED"]),
        (Some(&shop.operator), &new_uuid().to_string(), vec![]),
    ] {
        let page = list(&shop, caller, of_seller(seller_id.clone())).await.unwrap().into_inner();
        assert_eq!(skus(&page), expected);
        assert_eq!(page.next_page_token, "");
    }
}

#[tokio::test]
async fn a_page_token_of_another_list_and_sizes_out_of_range_are_refused() {
    let shop = Shop::open().await;
    for sku in ["A", "B"] {
        shop.create_and_publish(&[sku]).await;
    }
    let message = ListProductsRequest { page_size: 1, seller_id: shop.seller_id.to_string(), ..Default::default() };
    let page_token = list(&shop, Some(&shop.seller), message.clone()).await.unwrap().into_inner().next_page_token;
    let invalid_token = Refused::new(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]);
    for page_token in [page_token, "first".to_owned()] {
        let answer = list(&shop, None, ListProductsRequest { page_token, ..message.clone() }).await;
        assert_eq!(refused(answer), invalid_token);
    }
    for page_size in [-1, 101] {
        let message = ListProductsRequest { page_size, seller_id: "x".to_owned(), ..Default::default() };
        assert_eq!(refused(list(&shop, None, message).await), Refused::invalid(&["page_size", "seller_id"]));
    }
}

#[tokio::test]
async fn variants_are_read_in_the_order_asked_each_once_on_sale_or_not() {
    let shop = Shop::open().await;
    let draft = shop.create(&["DRAFT-1", "DRAFT-2"]).await;
    let published = shop.create_and_publish(&["MUG"]).await;
    shop.change_price("MUG", 9, 1).await;
    let asked = ["NOBODY-2", "MUG", "DRAFT-2", "MUG", "NOBODY-1", "NOBODY-2"];
    let message = BatchGetVariantsRequest { skus: asked.map(str::to_owned).to_vec() };
    let found = shop.client.clone().batch_get_variants(message).await.unwrap().into_inner();

    assert_eq!(found.unknown_skus, ["NOBODY-2", "NOBODY-1"]);
    let [mug, second] = &found.offers[..] else { panic!("found {:?}", found.offers) };
    assert_eq!((&mug.product_id, mug.status()), (&published.product_id, ProductStatus::Published));
    assert_eq!((&mug.seller_id, mug.title.as_str()), (&shop.seller_id.to_string(), "Mug"));
    assert_eq!(mug.variant.as_ref().unwrap().prices[0].price_version, 2);
    assert_eq!((&second.product_id, second.status()), (&draft.product_id, ProductStatus::Draft));
    assert_eq!(second.variant.as_ref(), Some(&draft.variants[1]));
}

#[tokio::test]
async fn from_1_to_200_variants_are_read_at_once() {
    let shop = Shop::open().await;
    let get = async |skus: Vec<String>| shop.client.clone().batch_get_variants(BatchGetVariantsRequest { skus }).await;
    let numbered = |count: usize| (0..count).map(|number| format!("MUG-{number}")).collect::<Vec<_>>();
    assert_eq!(get(numbered(200)).await.unwrap().into_inner().unknown_skus.len(), 200);
    for count in [0, 201] {
        assert_eq!(refused(get(numbered(count)).await), Refused::invalid(&["skus"]), "{count}");
    }
    let wrong = ["MUG", "mug", "", &"X".repeat(65)].map(str::to_owned).to_vec();
    assert_eq!(refused(get(wrong).await), Refused::invalid(&["skus[1]", "skus[2]", "skus[3]"]));
}
